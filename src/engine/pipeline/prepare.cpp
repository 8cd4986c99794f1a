// What is asked for, checked and brought into the shape in which it is run.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/words.h"
#include "engine/formats/in_quotes.h"
#include "engine/pipeline/fit_reference.h"
#include "engine/pipeline/on_grid.h"
#include "engine/pipeline/picture_size.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/repaint_mask.h"

namespace imagined::engine {
namespace {

constexpr int kMaxSteps = 500;
constexpr float kMaxGuidance = 100;
constexpr std::int64_t kReferencePixels = 1024 * 1024;  // flux.md 6.1: diffusers' cap, always

Result<> check_pixels(const image::Picture& picture, std::string_view what, std::string field) {
  const auto expected = static_cast<std::size_t>(picture.width) *
                        static_cast<std::size_t>(picture.height) *
                        static_cast<std::size_t>(picture.channels);
  if ((picture.channels == 3 || picture.channels == 4) && picture.pixels.size() == expected &&
      expected > 0)
    return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} of {}x{} pixels with {} channels: {} bytes", what, picture.width,
                          picture.height, picture.channels, picture.pixels.size()),
              std::move(field));
}

/// What a model of few words says about a prompt beyond them, or without any.
std::string unknown_words_text(std::span<const std::string> unknown,
                               std::span<const std::string> draws) {
  constexpr std::size_t kShown = 8;
  std::string words;
  for (std::size_t i = 0; i < std::min(unknown.size(), kShown); ++i) {
    words += (i == 0 ? "" : ", ") + in_quotes(unknown[i]);  // cut: it may be the whole prompt
  }
  if (unknown.size() > kShown) words += fmt::format(" and {} more", unknown.size() - kShown);
  std::string text = unknown.empty() ? "the prompt has no word, and this model reads nothing else"
                                     : fmt::format("this model knows no {}", words);
  if (draws.empty()) return text;
  constexpr std::size_t kDrawsShown = 8;
  std::vector<std::string_view> some;  // of a long list from all of it
  for (std::size_t i = 0; i < std::min(draws.size(), kDrawsShown); ++i)
    some.push_back(draws[i * draws.size() / std::min(draws.size(), kDrawsShown)]);
  text += fmt::format("; it draws {}", join_words(some, ", "));
  if (draws.size() > some.size()) text += fmt::format(" and {} more", draws.size() - some.size());
  return text;
}

}  // namespace

Result<image::Picture> Pipeline::fit_reference_picture(const image::Picture& picture) const {
  TRY(check_reference_size(picture.width, picture.height));
  TRY(check_pixels(picture, "reference", "image"));
  const auto side = static_cast<int>(model_.pixels_per_token);
  if (lays_references_on_grid()) {
    const PicturePlan plan = TRY(plan_reference(picture.width, picture.height, size_rule()));
    return lay_on_grid(context_, picture.view(), plan, side);
  }
  const ReferenceFit fit =
      model_.reference_sizes.empty()
          ? TRY(fit_reference(picture.width, picture.height, kReferencePixels, side))
          : fit_to_sizes(picture.width, picture.height, model_.reference_sizes, side);
  return image::Picture{.width = fit.width,
                        .height = fit.height,
                        .channels = 3,
                        .pixels = apply_fit(context_, picture.view(), fit)};
}

Result<std::optional<KeptPicture>> Pipeline::prepare_kept(const GenerateRequest& request,
                                                          const PicturePlan& plan) const {
  if (!request.mask) return std::optional<KeptPicture>();
  if (!model_.inpaints) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("mask: model \"{}\" cannot keep a part of a picture as it is", model_.name),
        "mask");
  }
  if (request.references.empty()) {
    return fail(ErrorCode::invalid_argument, "mask: there is no reference picture that it is of",
                "mask");
  }
  TRY(check_pixels(*request.mask, "mask", "mask"));
  const std::int64_t side = model_.pixels_per_token;
  const auto resized = [&](int width, int height) {
    const ReferenceFit whole{
        .resized_width = width, .resized_height = height, .width = width, .height = height};
    return image::Picture{.width = width,
                          .height = height,
                          .pixels = apply_fit(context_, request.references[0].view(), whole)};
  };
  const image::Picture shown = resized(plan.crop_width, plan.crop_height);
  return std::optional(
      KeptPicture{.picture = carry_to_border(shown.view(), plan, side),
                  .given = resized(plan.width, plan.height),
                  .repaint = repaint_mask(context_, request.mask->view(), plan, side)});
}

Result<RunInputs> Pipeline::prepare(const GenerateRequest& request, const PicturePlan& plan) const {
  RunInputs inputs;
  inputs.rows = plan.token_rows;
  inputs.cols = plan.token_cols;
  inputs.steps = request.steps == 0 ? static_cast<int>(model_.sampling.steps) : request.steps;
  if (inputs.steps < 1 || inputs.steps > kMaxSteps) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} steps: must be 1 to {}", inputs.steps, kMaxSteps), "steps");
  }
  inputs.guidance = request.guidance.value_or(static_cast<float>(model_.sampling.guidance));
  if (!(inputs.guidance >= 0 && inputs.guidance <= kMaxGuidance)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("guidance {}: must be 0 to {}", inputs.guidance, kMaxGuidance),
                "guidance");
  }
  if (static_cast<std::int64_t>(request.references.size()) > model_.max_references) {
    return fail(ErrorCode::invalid_argument,
                model_.max_references == 0
                    ? fmt::format("image: model \"{}\" takes no reference pictures", model_.name)
                    : fmt::format("image: model \"{}\" takes 1 to {} reference pictures, got {}",
                                  model_.name, model_.max_references, request.references.size()),
                "image");
  }
  TRY(check_length(request.prompt, "prompt"));
  TRY(check_length(request.negative_prompt, "negative_prompt"));
  inputs.prompt = networks_.prompts->ids(request.prompt);
  const bool two_passes = uses_true_guidance(inputs.guidance);
  if (two_passes) inputs.negative = networks_.prompts->ids(request.negative_prompt);
  if (!two_passes && !request.negative_prompt.empty()) {
    return fail(
        ErrorCode::invalid_argument,
        model_.guidance == GuidanceUse::two_passes
            ? fmt::format("negative_prompt: has no effect at guidance {}; ask for a guidance "
                          "above 1",
                          inputs.guidance)
            : fmt::format("negative_prompt: model \"{}\" has no true guidance, so it would "
                          "have no effect",
                          model_.name),
        "negative_prompt");
  }
  for (const image::Picture& picture : request.references) {
    auto fitted = fit_reference_picture(picture);
    if (!fitted)
      return fail(fitted.error().code,
                  fmt::format("image {}: {}", inputs.references.size() + 1, fitted.error().message),
                  "image");
    inputs.references.push_back(std::move(*fitted));
  }
  inputs.kept = TRY(prepare_kept(request, plan));
  // The picture is its own first reference, as large as it is made.
  if (inputs.kept)
    inputs.references.front() = lays_references_on_grid()
                                    ? inputs.kept->picture
                                    : TRY(fit_reference_picture(inputs.kept->picture));
  return inputs;
}

Result<> Pipeline::check_length(const std::string& text, std::string_view field) const {
  if (long_prompt_ != LongPrompt::refuse || text.empty()) return {};
  const PromptReading reading = networks_.prompts->reading(text).front();
  if (reading.read == reading.tokens) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("the {} has {} tokens: at most {} are read",
                  field == "prompt" ? "prompt" : "negative prompt", reading.tokens, reading.read),
      std::string(field));
}

Result<> Pipeline::check_clip(const ClipRequest& request) const {
  if (model_.sampling.clips.frames == 0) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("model \"{}\" makes no videos: it was not trained for clips", model_.name),
        "model");
  }
  if (request.frames < 1 || request.frames > kClipFramesMax) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} frames: must be 1 to {}", request.frames, kClipFramesMax),
                "duration");
  }
  if (request.first_frame) {
    const auto usable =
        check_reference_size(request.first_frame->width, request.first_frame->height);
    if (!usable)
      return fail(usable.error().code, fmt::format("first frame: {}", usable.error().message),
                  "image");
    TRY(check_pixels(*request.first_frame, "first frame", "image"));
  }
  return {};
}

RequestReading Pipeline::read(const GenerateRequest& request) const {
  const std::vector<PromptReading> readings = networks_.prompts->reading(request.prompt);
  RequestReading result{.prompt_tokens = readings.front().tokens,
                        .tokens_read = readings.front().read};
  const auto warn_of_cut = [&result](const PromptReading& reading, std::string_view what) {
    if (reading.read == reading.tokens) return;
    result.warnings.push_back(fmt::format("{} reads the first {} of the {}'s {} tokens",
                                          reading.encoder, reading.read, what, reading.tokens));
  };
  for (const PromptReading& reading : readings) warn_of_cut(reading, "prompt");
  if (!request.negative_prompt.empty())
    for (const PromptReading& reading : networks_.prompts->reading(request.negative_prompt))
      warn_of_cut(reading, "negative prompt");
  if (model_.guidance == GuidanceUse::none && request.guidance.value_or(1) != 1) {
    result.warnings.push_back(fmt::format(
        "guidance {} has no effect: this model was distilled and knows none", *request.guidance));
  }
  const std::vector<std::string> unknown = model_.card.unknown_words(request.prompt);
  if (!unknown.empty() || model_.card.has_no_word(request.prompt))
    result.warnings.push_back(unknown_words_text(unknown, model_.card.draws));
  if (keeps_all(request))
    result.warnings.emplace_back(
        "the mask has nothing that is to be made anew, so the picture stays as it is");
  return result;
}

bool Pipeline::keeps_all(const GenerateRequest& request) const {
  if (!request.mask || !check_pixels(*request.mask, "mask", "mask")) return false;
  const auto plan = plan_picture(request.width, request.height, size_rule());
  if (!plan) return false;
  const std::vector<float> repaint =
      repaint_mask(context_, request.mask->view(), *plan, model_.pixels_per_token);
  return std::ranges::all_of(repaint, [](float share) { return share == 0; });
}

}  // namespace imagined::engine
