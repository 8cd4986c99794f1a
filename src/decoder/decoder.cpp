#include "decoder/decoder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/utf8.h"
#include "decoder/messages.h"

namespace imagined::decoder {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kChildSocket = 3;  // its number in the child
constexpr std::uint64_t kChannelsMax = 4;
constexpr int kVideoTimes = 4;  // as long as a picture

tl::unexpected<Error> no_child(std::string_view what, int error) {
  return fail(ErrorCode::unavailable, "pictures cannot be decoded at the moment", {},
              fmt::format("{}: error {}", what, error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Memory that has a descriptor. Sealed, so that the child cannot shorten what the parent reads.
class SharedMemory {
 public:
  enum class Use : std::uint8_t { read_by_child, written_by_child };

  static Result<SharedMemory> make(std::size_t size_bytes) {
    SharedMemory memory;
    memory.fd_ = Descriptor(memfd_create("picture", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (memory.fd_.get() < 0 || ftruncate(memory.fd_.get(), static_cast<off_t>(size_bytes)) != 0)
      return fail(ErrorCode::resource_exhausted, "not enough memory for this picture");
    return memory;
  }

  Result<void> write(std::span<const std::uint8_t> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto count =
          pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
      if (count <= 0)
        return fail(ErrorCode::resource_exhausted, "not enough memory for this picture");
      done += static_cast<std::size_t>(count);
    }
    return {};
  }

  Result<void> read(std::span<std::uint8_t> bytes) const {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto count =
          pread(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
      if (count <= 0) return fail(ErrorCode::internal, "the picture's pixels could not be read");
      done += static_cast<std::size_t>(count);
    }
    return {};
  }

  void seal(Use use) const {
    const int seals =
        F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | (use == Use::read_by_child ? F_SEAL_WRITE : 0);
    CHECK(fcntl(fd_.get(), F_ADD_SEALS, seals) == 0, "memory that cannot be sealed");
  }

  int fd() const { return fd_.get(); }

 private:
  SharedMemory() = default;
  Descriptor fd_;
};

std::string describe(int status) {
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("exit {}", WEXITSTATUS(status));
}

std::size_t area_of(const image::Shrink& size) {
  return static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
}

template <std::size_t N>
std::string text_of(const std::array<char, N>& text) {
  return valid_utf8({text.data(), strnlen(text.data(), N)});
}

tl::unexpected<Error> not_decoded(std::string detail) {
  return fail(ErrorCode::invalid_argument, "the image could not be decoded", "image",
              std::move(detail));
}

/// What the child says went wrong. The codes that it may use are those of `image::decode`.
tl::unexpected<Error> refusal_of(const DecodeReply& reply) {
  auto code = static_cast<ErrorCode>(reply.code);
  const bool known = code == ErrorCode::unsupported_media_type ||
                     code == ErrorCode::payload_too_large || code == ErrorCode::unavailable;
  if (!known) code = ErrorCode::invalid_argument;
  std::string message = text_of(reply.message);
  if (message.empty()) return not_decoded("the decoder says nothing");
  return fail(code, std::move(message), "image", text_of(reply.detail));
}

/// What the child says it has decoded, when it can be true of a header with this orientation and
/// the size as stored that it must come to.
Result<image::Picture> pixels_of(const DecodeReply& reply, image::Orientation orientation,
                                 const image::Shrink& size, const SharedMemory& memory) {
  const bool swapped = image::swaps_sides(orientation);
  const bool fits = reply.width == (swapped ? size.height : size.width) &&
                    reply.height == (swapped ? size.width : size.height) &&
                    (reply.channels == 3 || reply.channels == 4);
  if (!fits)
    return not_decoded(
        fmt::format("the decoder says {} x {} x {}", reply.width, reply.height, reply.channels));
  image::Picture picture{
      .width = reply.width, .height = reply.height, .channels = reply.channels, .pixels = {}};
  picture.pixels.resize(area_of(size) * static_cast<std::size_t>(reply.channels));
  TRY(memory.read(picture.pixels));
  return picture;
}

/// The same error of a video.
Error about_video(Error error) {
  constexpr std::string_view kImage = "the image";
  if (error.message.starts_with(kImage))
    error.message = fmt::format("the video{}", error.message.substr(kImage.size()));
  error.field = "video";
  return error;
}

}  // namespace

struct Decoder::Work {
  std::span<const std::uint8_t> file;
  DecodeRequest request;
  milliseconds processor_time;
  milliseconds wall_time;
};

struct Decoder::Done {
  DecodeReply reply;
  SharedMemory memory;
  std::unique_ptr<Child> child;  // to be given back by who believes the reply
};

/// One process, and the socket to it.
class Decoder::Child {
 public:
  static Result<std::unique_ptr<Child>> start(const DecoderOptions& options) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
      return no_child("socketpair", errno);
    auto child = std::make_unique<Child>();
    child->socket_ = Descriptor(pair[0]);
    const Descriptor theirs(pair[1]);

    std::vector<std::string> words = {options.executable};
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    words.push_back(std::to_string(kChildSocket));
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    char* no_environment[] = {nullptr};  // nor the secrets in it

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), kChildSocket);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    // Its own group: a terminal's Ctrl-C is for the parent to act on.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    const int error = posix_spawn(&child->pid_, options.executable.c_str(), &actions, &attributes,
                                  argv.data(), no_environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      child->pid_ = -1;
      return no_child("posix_spawn", error);
    }
    return child;
  }

  ~Child() { end(); }

  /// The reply, or why there is none; after that the child is of no more use.
  Result<DecodeReply> ask(const Work& work, const SharedMemory& file, const SharedMemory& pixels) {
    if (!send(work.request, file, pixels)) return died();
    const auto began = steady_clock::now();
    const milliseconds processor_began = processor_time();
    while (true) {
      const milliseconds waited =
          std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
      const milliseconds used = processor_time() - processor_began;
      const milliseconds left = std::min(work.wall_time - waited, work.processor_time - used);
      if (left <= milliseconds(0))
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("the image takes more than {} ms to decode", work.processor_time.count()),
            "image");
      pollfd poller{socket_.get(), POLLIN, 0};
      if (poll(&poller, 1, static_cast<int>(left.count())) <= 0) continue;
      DecodeReply reply;
      if (recv(socket_.get(), &reply, sizeof reply, 0) != sizeof reply) return died();
      return reply;
    }
  }

  milliseconds processor_time() const {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0)
      return milliseconds(0);  // it has ended: the socket says so too
    return milliseconds(time.tv_sec * 1000 + time.tv_nsec / 1'000'000);
  }

 private:
  bool send(const DecodeRequest& request, const SharedMemory& file, const SharedMemory& pixels) {
    DecodeRequest copy = request;
    iovec part{&copy, sizeof copy};
    const int fds[2] = {file.fd(), pixels.fd()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fds);
    std::memcpy(CMSG_DATA(header), fds, sizeof fds);
    return sendmsg(socket_.get(), &message, MSG_NOSIGNAL) == sizeof copy;
  }

  tl::unexpected<Error> died() {
    const int status = end();
    log(LogLevel::warn, "decoder_died", "{}", describe(status));
    return not_decoded(fmt::format("the decoder's process ended: {}", describe(status)));
  }

  /// Its status, however it ends.
  int end() {
    int status = 0;
    if (pid_ < 0) return status;
    // A child that has ended keeps its status; one that has not has nothing to lose.
    kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

  pid_t pid_ = -1;
  Descriptor socket_;
};

Decoder::Decoder(DecoderOptions options) : options_(std::move(options)) {
  CHECK(options_.children_max > 0, "a decoder without children");
}

Decoder::~Decoder() = default;

Result<std::unique_ptr<Decoder::Child>> Decoder::take_child() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return busy_ < options_.children_max; });
    ++busy_;
    if (!idle_.empty()) {
      auto child = std::move(idle_.back());
      idle_.pop_back();
      return child;
    }
  }
  auto child = Child::start(options_);
  if (!child) give_back(nullptr);
  return child;
}

void Decoder::give_back(std::unique_ptr<Child> child) {
  // Before the kernel ends it in the middle of somebody's picture.
  if (child && child->processor_time() >= options_.child_time) child.reset();
  const std::lock_guard lock(mutex_);
  if (child) idle_.push_back(std::move(child));
  --busy_;
  changed_.notify_one();
}

Result<Decoder::Done> Decoder::ask_child(const Work& work) {
  SharedMemory input = TRY(SharedMemory::make(work.file.size()));
  SharedMemory output = TRY(SharedMemory::make(work.request.pixel_bytes));
  TRY(input.write(work.file));
  input.seal(SharedMemory::Use::read_by_child);
  output.seal(SharedMemory::Use::written_by_child);

  auto child = TRY(take_child());
  auto reply = child->ask(work, input, output);
  if (!reply) {
    give_back(nullptr);
    return tl::unexpected(std::move(reply.error()));
  }
  if (!reply->decoded) {
    give_back(std::move(child));
    return refusal_of(*reply);
  }
  return Done{.reply = *reply, .memory = std::move(output), .child = std::move(child)};
}

Result<image::Picture> Decoder::decode(std::span<const std::uint8_t> file,
                                       const image::DecodeLimits& limits, image::Colours colours) {
  // Format and size are read by our own code; no library has seen the file yet.
  const image::Header header = TRY(image::check_header(file, limits));
  const image::Shrink size = image::shrink_for(header, limits);
  Done done = TRY(ask_child({.file = file,
                             .request = {.file_bytes = file.size(),
                                         .pixel_bytes = area_of(size) * kChannelsMax,
                                         .limits = limits,
                                         .colours = colours},
                             .processor_time = options_.processor_time,
                             .wall_time = options_.wall_time}));
  auto picture = pixels_of(done.reply, header.orientation, size, done.memory);
  give_back(picture ? std::move(done.child) : nullptr);  // one that lies is not asked again
  return picture;
}

Result<video::Frames> Decoder::decode_video(std::span<const std::uint8_t> file) {
  // The tables are read by our own code, here as in the child.
  const video::Mp4Track track = TRY(video::read_mp4(file));
  const auto count = static_cast<int>(track.shown.size());
  const std::size_t bytes = track.shown.size() * video::frame_bytes(track.width, track.height);
  auto done = ask_child(
      {.file = file,
       .request = {.file_bytes = file.size(), .pixel_bytes = bytes, .limits = {}, .frames = count},
       .processor_time = kVideoTimes * options_.processor_time,
       .wall_time = kVideoTimes * options_.wall_time});
  if (!done) return tl::unexpected(about_video(std::move(done.error())));
  const DecodeReply& reply = done->reply;
  const bool fits =
      reply.width == track.width && reply.height == track.height && reply.frames == count;
  give_back(fits ? std::move(done->child) : nullptr);
  if (!fits)
    return tl::unexpected(
        about_video(not_decoded(fmt::format("the decoder says {} x {} x {}", reply.width,
                                            reply.height, reply.frames))
                        .value()));
  video::Frames frames{.width = track.width,
                       .height = track.height,
                       .count = count,
                       .times = {},
                       .seconds = track.seconds,
                       .planes = {}};
  for (const auto& shown : track.shown) frames.times.push_back(shown.seconds);
  frames.planes.resize(bytes);
  TRY(done->memory.read(frames.planes));
  return frames;
}

}  // namespace imagined::decoder
