// A run of a model against a recorded one.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "engine/lab/lab.h"

namespace imagined::engine {

/// One line per tensor that failed.
inline std::string failures(const CheckReport& report) {
  std::string text;
  for (const TensorCheck& check : report.tensors) {
    if (check.passed) continue;
    text += check.name + ": relative RMS " + std::to_string(check.relative_rms * 1e6) +
            "e-6, maximum " + std::to_string(check.max_error) + "\n";
  }
  return text;
}

inline void expect_agrees(const CheckRequest& request) {
  const auto report = check_model(request);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_TRUE(report->passed) << failures(*report);
  EXPECT_GE(report->tensors.size(), 8u);  // ids, features, sigmas, velocities, latents, picture
}

}  // namespace imagined::engine
