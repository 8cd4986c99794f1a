#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace imagined::engine {

enum class Solver : std::uint8_t { euler, unipc, dmd };  // dmd: of no file, see ModelPlan

inline constexpr std::string_view kUniPcClass = "UniPCMultistepScheduler";

enum class TimeShift : std::uint8_t { exponential, linear };

/// scheduler/scheduler_config.json, a FlowMatchEulerDiscreteScheduler, or an
/// UniPCMultistepScheduler along a flow, of which `shift` and `train_timesteps` are all there is.
struct SchedulerConfig {
  Solver solver = Solver::euler;
  bool dynamic_shifting = true;  // use_dynamic_shifting: the shift depends on the picture's size
  double shift = 3.0;            // static shift; unused with dynamic_shifting
  TimeShift time_shift = TimeShift::exponential;  // time_shift_type; unused without it
  std::optional<double> shift_terminal;           // the last sigma before 0, in (0, 1)
  /// With dynamic_shifting: FLUX.1's shift grows with the picture on the line below; FLUX.2 has a
  /// rule of its own and leaves these keys unread.
  bool shift_on_line = false;
  double base_shift = 0.5;
  double max_shift = 1.15;
  std::int64_t base_tokens = 256;  // base_image_seq_len
  std::int64_t max_tokens = 4096;  // max_image_seq_len
  double train_timesteps = 1000;   // num_train_timesteps
};

/// Reads scheduler_config.json; errors as those of the networks' configurations.
/// takes_unipc  whether the family's models run with it.
Result<SchedulerConfig> parse_scheduler_config(std::string_view json, std::string_view file,
                                               bool takes_unipc = false);

}  // namespace imagined::engine
