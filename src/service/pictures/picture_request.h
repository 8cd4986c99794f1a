#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/format.h"
#include "service/catalogue/catalogue.h"
#include "service/pictures/geometry.h"
#include "service/pictures/prompt.h"

namespace imagined::service {

inline constexpr int kPictureCountMax = 10;
inline constexpr int kPreviewsMax = 3;  // of each picture
inline constexpr std::size_t kUserBytesMax = 512;
inline constexpr float kGuidanceMax = 100;

/// What a customer wants, in the words of the domain. Made at the border out of checked parts:
///   PictureRequest{.model = model->id, .prompt = std::move(prompt), .count = 2}
struct PictureRequest {
  std::string model;  // an id of the catalogue, aliases resolved
  Prompt prompt;
  int count = 1;  // 1 to kPictureCountMax
  AspectRatio aspect_ratio = AspectRatio::auto_;
  Resolution resolution = Resolution::k1;
  std::optional<std::uint64_t> seed;      // picture i uses seed + i; none: random ones
  std::optional<int> steps;               // none: the model's
  std::optional<float> guidance;          // none: the model's
  std::optional<Prompt> negative_prompt;  // what to keep away from, by true guidance alone
  image::Format format = image::Format::jpeg;
  std::optional<int> file_quality;  // of JPEG and WebP, 1 to 100; none: the server's
  int previews = 0;  // of each picture on the way, 0 to kPreviewsMax; they change nothing in it
  bool labelled = false;  // the files say how they were made (image/label.h)
  std::string user;       // the customer's word for its own user; at most kUserBytesMax bytes
  std::vector<std::string> warnings = {};  // what was asked for beside it and is not done

  bool operator==(const PictureRequest&) const = default;
};

/// `invalid_argument`, field "n": a count outside [1, kPictureCountMax], naming the value.
Result<int> check_picture_count(std::int64_t count);
/// `invalid_argument`, field "steps": outside [1, the model's `steps_max`], naming the value.
Result<int> check_steps(std::int64_t steps, const Model& model);
/// `invalid_argument`, field "guidance": outside [0, kGuidanceMax], naming the value.
Result<float> check_guidance(double guidance);
/// As OpenAI's `output_compression`, which field it names: the file's quality.
/// `invalid_argument`: outside [0, 100], naming the value.
Result<int> check_file_quality(std::int64_t quality);
/// The prompt's own rules; field "negative_prompt".
Result<Prompt> parse_negative_prompt(std::string_view text, const Model& model);
/// `invalid_argument`, field "user": more than kUserBytesMax bytes, or a NUL.
Result<void> check_user(std::string_view user);

}  // namespace imagined::service
