#pragma once

#include <memory>

#include "service/ports/job_events.h"

namespace imagined::storage {

/// Events within one process: what a server with local workers needs. Thread-safe; a callback may
/// end its own subscription, publish and subscribe.
class ProcessJobEvents final : public service::JobEvents {
 public:
  ProcessJobEvents();
  ~ProcessJobEvents() override;

  void publish(const service::JobEvent& event) override;
  service::Subscription subscribe(std::string_view job_id, Callback callback) override;
  std::optional<service::JobEvent> progress_of(std::string_view job_id) override;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the subscriptions, which may outlive this object
};

}  // namespace imagined::storage
