// Pictures that stand in a text: base64, perhaps with "data:image/png;base64," before it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/wire/upload_sink.h"
#include "base/result.h"

namespace imagined::api::wire {

/// Base64 as clients write it: either alphabet, padded or not, with white space anywhere.
class Base64Reader {
 public:
  /// Appends the bytes that `text` completes; false when it is no base64.
  bool read(std::string_view text, std::string& out);
  /// Whether the text may end here.
  bool may_end() const;

 private:
  std::uint32_t bits_ = 0;
  int digits_ = 0;   // of the group in work, 0 to 3
  int padding_ = 0;  // "=" so far
};

/// One picture's text on its way to an upload. Errors are `invalid_argument`.
class PictureText {
 public:
  /// `sink` must outlive it.
  explicit PictureText(UploadSink& sink) : sink_(sink) {}

  Result<void> take(std::string_view text);
  /// The upload's name.
  Result<std::string> end();

 private:
  Result<void> decode(std::string_view text);

  UploadSink& sink_;
  std::string head_;  // until it is clear where the base64 begins
  bool has_begun_ = false;
  Base64Reader base64_;
  std::string bytes_;
};

}  // namespace imagined::api::wire
