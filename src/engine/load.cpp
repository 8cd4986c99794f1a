#include "engine/engine.h"

#include <utility>

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

  Result<PictureCost> cost(const GenerateRequest& request) const override {
    return pipeline_->cost(request);
  }

  Result<PictureCost> cost(const ClipRequest& request) const override {
    return pipeline_->cost(request);
  }

  Result<> intact() const override { return pipeline_->networks().intact(); }

  Result<> generate_batch(const GenerateRequest& request, const Batch& batch,
                          std::stop_token stop) override {
    return without_bad_alloc(
        [&] { return pipeline_->generate_batch(request, batch, {.stop = std::move(stop)}); });
  }

  Result<> animate(const ClipRequest& request, const ClipObserver& observer,
                   std::stop_token stop) override {
    return without_bad_alloc(
        [&] { return pipeline_->animate(request, observer, {.stop = std::move(stop)}); });
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

}  // namespace imagined::engine
