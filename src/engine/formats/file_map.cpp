#include "engine/formats/file_map.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

namespace imagined::engine {
namespace {

// The mappings that the SIGBUS handler watches. Global because a signal handler gets no argument;
// atomic because it may interrupt anything. A slot is free while `begin` is 0.
struct GuardSlot {
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> torn{false};
};
constexpr int kGuardSlots = 1024;
std::array<GuardSlot, kGuardSlots> guard_slots;
std::mutex guard_mutex;  // only for taking and giving back slots, never in the handler
struct sigaction previous_action;
std::uintptr_t page_size_bytes = 4096;

GuardSlot* slot_of(std::uintptr_t address) {
  for (GuardSlot& slot : guard_slots) {
    const std::uintptr_t begin = slot.begin.load(std::memory_order_acquire);
    if (begin != 0 && address >= begin && address < slot.end.load(std::memory_order_acquire))
      return &slot;
  }
  return nullptr;
}

// Puts a page of zeros where the file's page is gone, so that the interrupted read goes on. mmap is
// no listed async-signal-safe function, but on Linux it is the bare system call.
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (GuardSlot* slot = slot_of(address)) {
    slot->torn.store(true, std::memory_order_release);
    void* page = reinterpret_cast<void*>(address & ~(page_size_bytes - 1));
    void* zeros =
        ::mmap(page, page_size_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    errno = saved_errno;
    if (zeros != MAP_FAILED) return;
  }
  errno = saved_errno;
  if ((previous_action.sa_flags & SA_SIGINFO) != 0 && previous_action.sa_sigaction != nullptr) {
    previous_action.sa_sigaction(signal, info, context);
  } else if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
  } else {
    ::signal(SIGBUS, SIG_DFL);  // the read is repeated and kills the process, as without us
  }
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_size_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &previous_action);
  });
}

int take_slot(const void* begin, std::size_t size_bytes) {
  const std::scoped_lock lock(guard_mutex);
  for (int index = 0; index < kGuardSlots; ++index) {
    GuardSlot& slot = guard_slots[static_cast<std::size_t>(index)];
    if (slot.begin.load(std::memory_order_relaxed) != 0) continue;
    const auto address = reinterpret_cast<std::uintptr_t>(begin);
    slot.torn.store(false, std::memory_order_relaxed);
    slot.end.store(address + size_bytes, std::memory_order_relaxed);
    slot.begin.store(address, std::memory_order_release);
    return index;
  }
  return -1;
}

std::int64_t change_time_ns(const struct stat& status) {
  return status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
}

Result<FileMap> failed(ErrorCode code, const std::filesystem::path& path, std::string_view what) {
  return fail(code, fmt::format("{}: {}", path.filename().string(), what), {}, path.string());
}

Result<FileMap> failed_open(const std::filesystem::path& path, int error) {
  if (error == ENOENT || error == ENOTDIR)
    return failed(ErrorCode::not_found, path, "no such file");
  if (error == EACCES || error == EPERM)
    return failed(ErrorCode::permission_denied, path, "may not be read");
  return failed(ErrorCode::invalid_argument, path, std::strerror(error));
}

}  // namespace

Result<FileMap> FileMap::open(const std::filesystem::path& path) {
  FileMap map;
  map.path_ = path;
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  map.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (map.descriptor_ < 0) return failed_open(path, errno);
  struct stat status = {};
  if (::fstat(map.descriptor_, &status) != 0) return failed_open(path, errno);
  if (!S_ISREG(status.st_mode))
    return failed(ErrorCode::invalid_argument, path,
                  S_ISDIR(status.st_mode) ? "is a folder, not a file" : "is not a regular file");
  const auto size_bytes = static_cast<std::size_t>(status.st_size);
  map.changed_ns_ = change_time_ns(status);
  if (size_bytes == 0) return map;
  void* begin = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, map.descriptor_, 0);
  if (begin == MAP_FAILED) return failed(ErrorCode::resource_exhausted, path, std::strerror(errno));
  map.begin_ = static_cast<const std::byte*>(begin);
  map.size_bytes_ = size_bytes;
  install_handler();
  map.guard_slot_ = take_slot(begin, size_bytes);
  if (map.guard_slot_ < 0)
    return failed(ErrorCode::resource_exhausted, path, "too many mapped files");
  return map;
}

FileMap::FileMap(FileMap&& other) noexcept { *this = std::move(other); }

FileMap& FileMap::operator=(FileMap&& other) noexcept {
  if (this == &other) return *this;
  close();
  path_ = std::move(other.path_);
  begin_ = std::exchange(other.begin_, nullptr);
  size_bytes_ = std::exchange(other.size_bytes_, 0);
  changed_ns_ = std::exchange(other.changed_ns_, 0);
  descriptor_ = std::exchange(other.descriptor_, -1);
  guard_slot_ = std::exchange(other.guard_slot_, -1);
  return *this;
}

FileMap::~FileMap() { close(); }

void FileMap::close() noexcept {
  if (guard_slot_ >= 0) {
    const std::scoped_lock lock(guard_mutex);
    guard_slots[static_cast<std::size_t>(guard_slot_)].begin.store(0, std::memory_order_release);
  }
  if (begin_ != nullptr) ::munmap(const_cast<std::byte*>(begin_), size_bytes_);
  if (descriptor_ >= 0) ::close(descriptor_);
  guard_slot_ = -1;
  begin_ = nullptr;
  size_bytes_ = 0;
  descriptor_ = -1;
}

Result<> FileMap::intact() const {
  const bool torn =
      guard_slot_ >= 0 &&
      guard_slots[static_cast<std::size_t>(guard_slot_)].torn.load(std::memory_order_acquire);
  struct stat status = {};
  const bool known = descriptor_ >= 0 && ::fstat(descriptor_, &status) == 0;
  const bool shrunk = known && static_cast<std::size_t>(status.st_size) < size_bytes_;
  if (!torn && !shrunk && (!known || change_time_ns(status) == changed_ns_)) return {};
  return fail(ErrorCode::data_loss,
              fmt::format("{}: the file was {} while it was in use", path_.filename().string(),
                          torn || shrunk ? "cut short" : "written to"),
              {}, path_.string());
}

void release_pages(std::span<const std::byte> bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t last = (begin + bytes.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace imagined::engine
