#include "engine/engine.h"

#include <utility>

#include "base/check.h"
#include "engine/families/families.h"
#include "engine/pipeline/memory.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {
namespace {

class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(std::unique_ptr<Pipeline> pipeline)
      : pipeline_(std::move(pipeline)), summary_(pipeline_->summary()) {}

  const ModelSummary& summary() const override { return summary_; }

  RequestReading read(const GenerateRequest& request) const override {
    return pipeline_->read(request);
  }

  Result<> intact() const override { return pipeline_->networks().prompts->intact(); }

  Result<> generate_batch(const GenerateRequest& request, const Batch& batch,
                          std::stop_token stop) override {
    return without_bad_alloc(
        [&] { return pipeline_->generate_batch(request, batch, {.stop = std::move(stop)}); });
  }

 private:
  std::unique_ptr<Pipeline> pipeline_;
  ModelSummary summary_;
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const LoadOptions& options) {
  return without_bad_alloc([&]() -> Result<std::unique_ptr<Engine>> {
    return std::make_unique<CpuEngine>(TRY(Pipeline::open(options)));
  });
}

Result<image::Picture> Engine::generate(const GenerateRequest& request, const Observer& observer,
                                        std::stop_token stop) {
  image::Picture picture;
  TRY(generate_batch(request,
                     Batch{.seeds = {request.seed},
                           .watch = [&](int) { return observer; },
                           .take = [&](int, image::Picture made) -> Result<> {
                             picture = std::move(made);
                             return {};
                           }},
                     std::move(stop)));
  return picture;
}

Result<> check_loadable(const LoadOptions& options) {
  return without_bad_alloc([&]() -> Result<> {
    TRY(Pipeline::plan(options));
    return {};
  });
}

std::string_view to_string(GuidanceUse use) {
  switch (use) {
    case GuidanceUse::none:
      return "none";
    case GuidanceUse::two_passes:
      return "true";
    case GuidanceUse::embedded:
      return "embedded";
  }
  CHECK(false, "no guidance use {}", static_cast<int>(use));
}

std::string model_card(const std::filesystem::path& path) { return card_text(path); }

}  // namespace imagined::engine
