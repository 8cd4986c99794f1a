#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "service/catalogue/catalogue.h"
#include "service/ports/worker_bell.h"
#include "service/ports/worker_pool.h"

namespace imagined::service {

/// This machine's workers and those of other servers, as one to whoever asks who can do what.
class AllWorkers final : public WorkerPool, public WorkerBell {
 public:
  /// All must outlive it. No upstreams: none makes anything.
  AllWorkers(const Catalogue& catalogue, const WorkerPool& own, WorkerBell& own_bell,
             WorkerBell* upstreams)
      : catalogue_(catalogue), own_(own), own_bell_(own_bell), upstreams_(upstreams) {}

  bool is_ready() const override { return own_.is_ready(); }
  bool accepts(std::string_view model_id) const override {
    return upstream_model(model_id) != nullptr || own_.accepts(model_id);
  }
  std::int64_t starts() const override { return own_.starts(); }
  std::int64_t memory_bytes() const override { return own_.memory_bytes(); }
  std::optional<ModelReport> report(std::string_view model_id) const override {
    if (const Model* model = upstream_model(model_id))
      return ModelReport{.model = model->id, .abilities = model->upstream_abilities};
    return narrowed(catalogue_.find(model_id), own_.report(model_id));
  }

  void job_queued() override {
    own_bell_.job_queued();
    if (upstreams_ != nullptr) upstreams_->job_queued();
  }
  void job_cancelled(std::string_view job_id) override {
    own_bell_.job_cancelled(job_id);
    if (upstreams_ != nullptr) upstreams_->job_cancelled(job_id);
  }

 private:
  /// What the model's weights can, as far as it is offered.
  static std::optional<ModelReport> narrowed(const Model* model,
                                             std::optional<ModelReport> report) {
    if (model == nullptr || !report || !report->abilities) return report;
    if (model->makes == Makes::pictures) report->abilities->clip_frames_per_second = 0;
    if (model->makes == Makes::videos) report->abilities->pictures = false;
    return report;
  }
  const Model* upstream_model(std::string_view model_id) const {
    const Model* model = catalogue_.find(model_id);
    return model != nullptr && model->upstream_abilities ? model : nullptr;
  }

  const Catalogue& catalogue_;
  const WorkerPool& own_;
  WorkerBell& own_bell_;
  WorkerBell* const upstreams_;
};

}  // namespace imagined::service
