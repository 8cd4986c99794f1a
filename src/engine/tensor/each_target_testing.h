// For tests of what is compiled for several instruction sets.
#pragma once

#include <hwy/targets.h>

#include <cstdint>
#include <string>

namespace imagined::engine::testing {

/// Runs `body(name)` for each instruction set that Highway compiled and this machine has.
template <class Body>
void on_each_target(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    body(std::string(hwy::TargetName(target)));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace imagined::engine::testing
