#include "service/pictures/picture_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace imagined::service {

Result<int> check_picture_count(std::int64_t count) {
  if (count < 1 || count > kPictureCountMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("n is {}, expected 1 to {}", count, kPictureCountMax), "n");
  return static_cast<int>(count);
}

Result<int> check_steps(std::int64_t steps, const Model& model) {
  if (steps < 1 || steps > model.steps_max)
    return fail(ErrorCode::invalid_argument,
                fmt::format("steps is {}, expected 1 to {} for the model \"{}\"", steps,
                            model.steps_max, model.id),
                "steps");
  return static_cast<int>(steps);
}

Result<float> check_guidance(double guidance) {
  if (!(guidance >= 0 && guidance <= kGuidanceMax))
    return fail(ErrorCode::invalid_argument,
                fmt::format("guidance is {}, expected 0 to {}", guidance, kGuidanceMax),
                "guidance");
  return static_cast<float>(guidance);
}

Result<int> check_file_quality(std::int64_t quality) {
  constexpr std::int64_t kMax = 100;
  if (quality < 0 || quality > kMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("output_compression is {}, expected 0 to {}", quality, kMax),
                "output_compression");
  return static_cast<int>(std::max<std::int64_t>(quality, 1));
}

Result<Prompt> parse_negative_prompt(std::string_view text, const Model& model) {
  constexpr std::string_view kField = "negative_prompt";
  auto prompt = Prompt::parse(text, model.max_prompt_length);
  if (prompt) return prompt;
  Error error = std::move(prompt.error());
  error.message = fmt::format("{}: {}", kField, error.message);
  error.field = kField;
  return tl::unexpected(std::move(error));
}

Result<void> check_user(std::string_view user) {
  if (user.size() > kUserBytesMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("user has {} bytes, at most {} are allowed", user.size(), kUserBytesMax),
        "user");
  if (user.find('\0') != std::string_view::npos)
    return fail(ErrorCode::invalid_argument, "user has the control character U+0000", "user");
  return {};
}

}  // namespace imagined::service
