// Pictures and videos from strangers, decoded in child processes whose death costs nothing. Whoever
// finds a hole in a library gets a process without files, network, privileges or secrets.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/decode.h"
#include "image/picture.h"
#include "video/frames.h"

namespace imagined::decoder {

struct DecoderOptions {
  /// A program that calls `decode_for_parent(fd)` when it is given these arguments and, after them,
  /// the descriptor's number.
  std::string executable;
  std::vector<std::string> arguments;
  int children_max = 2;                            // pictures decoded at a time; others wait
  std::chrono::milliseconds processor_time{5000};  // that one picture may take
  std::chrono::milliseconds wall_time{30'000};     // the same on a machine that is busy otherwise
  /// Processor time of all its pictures after which a child is replaced; with what one video may
  /// take, less than the kernel lets it have in all.
  std::chrono::milliseconds child_time{20'000};
};

/// Any number of threads may decode at a time. Children are started when they are first needed,
/// used again, and ended with the decoder.
class Decoder {
 public:
  explicit Decoder(DecoderOptions options);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// As `image::decode`, with its errors; about a millisecond more. Also `invalid_argument` (field
  /// "image") for a file that makes the child crash, or take more time or memory than it may;
  /// `unavailable` when no child can be started.
  Result<image::Picture> decode(std::span<const std::uint8_t> file,
                                const image::DecodeLimits& limits = {},
                                image::Colours colours = image::Colours::as_srgb);

  /// The frames of an MP4 file, which may take four times as long as a picture. Errors as
  /// `video::read_mp4`; `invalid_argument` (field "video") for frames that cannot be decoded, as
  /// above.
  Result<video::Frames> decode_video(std::span<const std::uint8_t> file);

 private:
  class Child;
  struct Work;
  struct Done;

  Result<std::unique_ptr<Child>> take_child();
  void give_back(std::unique_ptr<Child> child);
  /// What a child says of a file, and the memory that it has written to.
  Result<Done> ask_child(const Work& work);

  const DecoderOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Child>> idle_;
  int busy_ = 0;
};

/// What the child does: gives up everything that it does not need, then decodes what the other end
/// of the socket sends until that is closed. The exit status of the process.
int decode_for_parent(int socket);

}  // namespace imagined::decoder
