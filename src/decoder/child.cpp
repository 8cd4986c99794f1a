// The child's side: receive a file, decode it, answer. Everything here runs locked in.
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <optional>

#include "decoder/decoder.h"
#include "decoder/messages.h"
#include "decoder/sandbox.h"
#include "video/decode.h"
#include "video/frames.h"
#include "video/mp4_read.h"

namespace imagined::decoder {
namespace {

class Mapping {
 public:
  Mapping(int fd, std::size_t size_bytes, int protection) : size_bytes_(size_bytes) {
    void* start = mmap(nullptr, size_bytes, protection, MAP_SHARED, fd, 0);
    if (start != MAP_FAILED) start_ = static_cast<std::uint8_t*>(start);
    close(fd);
  }
  ~Mapping() {
    if (start_ != nullptr) munmap(start_, size_bytes_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool valid() const { return start_ != nullptr; }
  std::span<std::uint8_t> bytes() const { return {start_, size_bytes_}; }

 private:
  std::uint8_t* start_ = nullptr;
  std::size_t size_bytes_;
};

struct Received {
  DecodeRequest request;
  int file = -1;
  int pixels = -1;
};

/// None when the parent has closed its end, or sent what it never sends.
std::optional<Received> receive(int socket) {
  Received received;
  iovec part{&received.request, sizeof received.request};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(socket, &message, 0) != sizeof received.request) return std::nullopt;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS ||
      header->cmsg_len != CMSG_LEN(2 * sizeof(int)))
    return std::nullopt;
  int fds[2];
  std::memcpy(fds, CMSG_DATA(header), sizeof fds);
  received.file = fds[0];
  received.pixels = fds[1];
  return received;
}

/// The libraries' exceptions end here.
template <class Decode>
auto guarded(Decode decode) -> decltype(decode()) {
  try {
    return decode();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::invalid_argument,
                "the image needs more memory to decode than is allowed", "image");
  } catch (const std::exception& error) {
    return fail(ErrorCode::invalid_argument, "the image could not be decoded", "image",
                error.what());
  }
}

template <std::size_t N>
void copy_text(const std::string& text, std::array<char, N>& out) {
  std::copy_n(text.begin(), std::min(text.size(), N - 1), out.begin());
}

DecodeReply refusal(const Error& error) {
  DecodeReply reply{.code = static_cast<std::uint8_t>(error.code)};
  copy_text(error.message, reply.message);
  copy_text(error.detail, reply.detail);
  return reply;
}

/// Decodes a picture into `out`.
Result<DecodeReply> decode_picture(std::span<const std::uint8_t> file, const DecodeRequest& request,
                                   std::span<std::uint8_t> out) {
  const image::Picture picture = TRY(image::decode(file, request.limits, request.colours));
  if (picture.pixels.size() > out.size())
    return fail(ErrorCode::internal, "the image could not be decoded", "image",
                "more pixels than its header says");
  std::copy(picture.pixels.begin(), picture.pixels.end(), out.begin());
  return DecodeReply{.decoded = true,
                     .width = picture.width,
                     .height = picture.height,
                     .channels = picture.channels};
}

/// Decodes the frames of a video into `out`.
Result<DecodeReply> decode_video(std::span<const std::uint8_t> file, std::span<std::uint8_t> out) {
  const video::Mp4Track track = TRY(video::read_mp4(file));
  DecodeReply reply{.decoded = true, .width = track.width, .height = track.height};
  const std::size_t bytes = video::frame_bytes(track.width, track.height);
  TRY(video::decode_frames(track,
                           [&](std::size_t index, const video::FrameView& frame) -> Result<void> {
                             if (out.size() / bytes <= index)
                               return fail(ErrorCode::internal, "the video could not be decoded",
                                           "video", "more frames");
                             video::pack_frame(frame, out.data() + index * bytes);
                             ++reply.frames;
                             return {};
                           }));
  return reply;
}

DecodeReply answer(const Received& received) {
  const Mapping file(received.file, received.request.file_bytes, PROT_READ);
  const Mapping out(received.pixels, received.request.pixel_bytes, PROT_READ | PROT_WRITE);
  if (!file.valid() || !out.valid())
    return refusal({.code = ErrorCode::invalid_argument,
                    .message = "the image needs more memory to decode than is allowed"});
  const DecodeRequest& request = received.request;
  const auto reply = guarded([&] {
    return request.frames > 0 ? decode_video(file.bytes(), out.bytes())
                              : decode_picture(file.bytes(), request, out.bytes());
  });
  return reply ? *reply : refusal(reply.error());
}

}  // namespace

int decode_for_parent(int socket) {
  if (const auto locked = enter_sandbox(socket); !locked) {
    const DecodeReply reply = refusal(locked.error());  // to whatever is asked first
    send(socket, &reply, sizeof reply, MSG_NOSIGNAL);
    return 1;
  }
  while (const auto received = receive(socket)) {
    const DecodeReply reply = answer(*received);
    if (send(socket, &reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) break;
  }
  return 0;
}

}  // namespace imagined::decoder
