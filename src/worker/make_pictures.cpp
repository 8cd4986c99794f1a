#include "worker/make_pictures.h"

#include <iterator>
#include <utility>
#include <variant>

#include "base/log.h"

namespace imagined::worker {
namespace {

engine::GenerateRequest to_engine(const Making& making, const service::PictureRequest& wanted,
                                  Given given) {
  const service::Sold& sold = making.active.job().sold;
  return {
      .prompt = wanted.prompt.text(),
      .negative_prompt = wanted.negative_prompt ? wanted.negative_prompt->text() : std::string(),
      .width = given.size.width,
      .height = given.size.height,
      .steps = sold.steps.value_or(making.model.steps),
      .guidance = sold.steps ? sold.guidance : making.model.guidance,
      .references = std::move(given.references),
      .mask = std::move(given.mask)};
}

service::Reading read_and_log(const engine::GenerateRequest& request,
                              std::vector<std::string> warnings, const Making& making) {
  engine::RequestReading reading = making.read(request);
  reading.warnings.insert(reading.warnings.end(), std::make_move_iterator(warnings.begin()),
                          std::make_move_iterator(warnings.end()));
  for (const std::string& warning : reading.warnings)
    log(LogLevel::warn, "request_warning", "job={} model={} tokens={} read={} warning={:?}",
        making.active.job().id, making.model.id, reading.prompt_tokens, reading.tokens_read,
        warning);
  return {.prompt_tokens = reading.prompt_tokens,
          .tokens_read = reading.tokens_read,
          .warnings = std::move(reading.warnings)};
}

}  // namespace

Result<> make_pictures(const Making& making) {
  const auto& wanted = std::get<service::PictureRequest>(making.active.claimed.payload);
  return make_wanted(making, wanted,
                     {.size = service::picture_size(wanted.aspect_ratio, wanted.resolution)});
}

Result<> make_wanted(const Making& making, const service::PictureRequest& wanted, Given given) {
  std::vector<std::string> warnings = std::move(given.warnings);
  const engine::GenerateRequest request = to_engine(making, wanted, std::move(given));
  making.active.reading = read_and_log(request, std::move(warnings), making);
  Wanted batch{.seeds = {}, .previews = wanted.previews, .format = wanted.format};
  for (int index = 0; index < wanted.count; ++index)
    batch.seeds.push_back(wanted.seed ? *wanted.seed + static_cast<std::uint64_t>(index)
                                      : making.random_seed());
  return making.generate(request, batch);
}

}  // namespace imagined::worker
