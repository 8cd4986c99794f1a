#pragma once

#include <stop_token>
#include <thread>
#include <vector>

#include "service/maintenance/duty.h"

namespace imagined::service {

/// Does all duties on a thread of its own, each at once and then at its interval, one after the
/// other. One that fails says so in the log and is done again at its time.
class Maintenance {
 public:
  /// What the duties refer to must outlive it.
  explicit Maintenance(std::vector<Duty> duties) : duties_(std::move(duties)) {}
  ~Maintenance() { stop(); }

  void start();
  /// Returns when nothing is being done any more. Twice is harmless, and before `start` too.
  void stop();

 private:
  void run(const std::stop_token& stop);

  std::vector<Duty> duties_;
  std::jthread thread_;
};

}  // namespace imagined::service
