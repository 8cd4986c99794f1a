// What a process meets whose memory, disk and files run out: loaded before the C library
// (LD_PRELOAD), it lets calls fail as the file that FAULTS names says, which test_faults.py writes
// while the process runs.
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* __libc_realloc(void*, std::size_t);
extern "C" void* __libc_memalign(std::size_t, std::size_t);

namespace {

// The layout of the file.
struct Faults {
  std::atomic<std::int64_t> pid;          // whose allocations fail; 0: nobody's
  std::atomic<std::int64_t> allocations;  // so many more succeed, then one fails
  std::atomic<std::int64_t> per_mille;    // of system calls that fail, in every process
  std::atomic<std::int64_t> failed;       // so far
};

Faults* faults = nullptr;
std::int64_t own_pid = 0;

__attribute__((constructor)) void begin() {
  own_pid = getpid();
  std::signal(SIGABRT, [](int) {  // says where it ends
    void* frames[64];
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);
    std::raise(SIGABRT);
  });
  const char* path = std::getenv("FAULTS");
  if (path == nullptr) return;
  const int file = static_cast<int>(open(path, O_RDWR | O_CLOEXEC));
  if (file < 0) return;
  void* shared = mmap(nullptr, sizeof(Faults), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared != MAP_FAILED) faults = static_cast<Faults*>(shared);
}

bool no_memory() {
  if (faults == nullptr || faults->pid != own_pid || faults->allocations-- != 0) return false;
  ++faults->failed;
  errno = ENOMEM;
  return true;
}

bool fails(int error) {
  if (faults == nullptr) return false;
  const std::int64_t per_mille = faults->per_mille;
  thread_local std::uint64_t state = reinterpret_cast<std::uintptr_t>(&state) ^ 0x9E3779B97F4A7C15u;
  state = state * 6364136223846793005u + 1442695040888963407u;
  if (static_cast<std::int64_t>((state >> 33) % 1000) >= per_mille) return false;
  ++faults->failed;
  errno = error;
  return true;
}

template <class Call>
Call next(const char* name) {
  return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) { return no_memory() ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) {
  return no_memory() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  return no_memory() ? nullptr : __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return no_memory() ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  *out = no_memory() ? nullptr : __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}

#define FAILING(name, error, parameters, ...)                \
  auto name parameters->decltype(::name(__VA_ARGS__)) {      \
    static const auto real = next<decltype(&::name)>(#name); \
    return fails(error) ? -1 : real(__VA_ARGS__);            \
  }
FAILING(write, ENOSPC, (int file, const void* bytes, std::size_t size), file, bytes, size)
FAILING(pwrite64, EIO, (int file, const void* bytes, std::size_t size, off64_t at), file, bytes,
        size, at)
FAILING(pwrite, EIO, (int file, const void* bytes, std::size_t size, off_t at), file, bytes, size,
        at)
FAILING(fsync, EIO, (int file), file)
FAILING(fdatasync, EIO, (int file), file)
FAILING(rename, EIO, (const char* from, const char* to), from, to)
FAILING(accept4, EMFILE, (int socket, sockaddr* address, socklen_t* size, int flags), socket,
        address, size, flags)
FAILING(accept, EMFILE, (int socket, sockaddr* address, socklen_t* size), socket, address, size)

#define FAILING_OPEN(name)                                                \
  int name(const char* path, int flags, ...) {                            \
    va_list rest;                                                         \
    va_start(rest, flags);                                                \
    const unsigned mode = va_arg(rest, unsigned);                         \
    va_end(rest);                                                         \
    static const auto real = next<int (*)(const char*, int, ...)>(#name); \
    return fails(EMFILE) ? -1 : real(path, flags, mode);                  \
  }
FAILING_OPEN(open)
FAILING_OPEN(open64)

}  // extern "C"
