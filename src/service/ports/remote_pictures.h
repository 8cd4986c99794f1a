#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

/// Pictures that lie elsewhere and are named by a URL.
class RemotePictures {
 public:
  virtual ~RemotePictures() = default;

  struct Limits {
    std::size_t bytes_max = 10u << 20;
    std::chrono::steady_clock::time_point deadline;
  };
  /// Called with each piece of the file; an error ends the fetch and becomes its error.
  using Sink = std::function<Result<void>(std::span<const std::uint8_t>)>;

  /// Hands the file to `sink` as it arrives; blocks until it has come whole. `invalid_argument` for
  /// a URL that may not be, or whose file cannot be had: what is wrong is the caller's to name.
  virtual Result<void> fetch(std::string_view url, const Limits& limits, const Sink& sink) = 0;

  /// `invalid_argument` for a URL that may not be, as far as that shows before it is used.
  virtual Result<void> check(std::string_view url) = 0;
  /// Lays a file there (PUT), whole or not at all. Errors as those of `fetch`.
  virtual Result<void> put(std::string_view url, std::span<const std::uint8_t> file,
                           std::string_view mime_type,
                           std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace imagined::service
