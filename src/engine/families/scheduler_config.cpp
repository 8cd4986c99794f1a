#include "engine/families/scheduler_config.h"

#include <fmt/core.h>

#include "engine/formats/json.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
namespace {

Result<SchedulerConfig> read_unipc(ConfigReader& reader) {
  SchedulerConfig config{.solver = Solver::unipc, .dynamic_shifting = false};
  if (!reader.boolean_or("use_flow_sigmas", false))
    reader.refuse("use_flow_sigmas", "expected true: only noise levels of a flow are supported",
                  ErrorCode::unimplemented);
  const auto must_be = [&](const char* key, std::string_view fallback, std::string_view expected) {
    const std::string found = reader.string_or(key, fallback);
    if (found != expected)
      reader.refuse(key, fmt::format("\"{}\" is not supported, only \"{}\"", found, expected),
                    ErrorCode::unimplemented);
  };
  must_be("prediction_type", "epsilon", "flow_prediction");
  must_be("solver_type", "bh2", "bh2");
  must_be("final_sigmas_type", "zero", "zero");
  for (const char* key : {"thresholding", "use_karras_sigmas", "use_exponential_sigmas",
                          "use_beta_sigmas", "use_dynamic_shifting"})
    reader.only(key, false);
  for (const char* key : {"predict_x0", "lower_order_final"}) reader.only(key, true);
  reader.only("solver_order", 2);
  for (const char* key : {"shift_terminal", "solver_p"})
    if (reader.has(key)) reader.refuse(key, "is not supported", ErrorCode::unimplemented);
  if (!reader.numbers_or("disable_corrector", {}, 1000).empty())
    reader.refuse("disable_corrector", "is not supported", ErrorCode::unimplemented);
  config.shift = reader.positive_or("flow_shift", 1.0);
  config.train_timesteps = reader.positive_or("num_train_timesteps", config.train_timesteps);
  TRY(reader.finish());
  return config;
}

}  // namespace

Result<SchedulerConfig> parse_scheduler_config(std::string_view text, std::string_view file,
                                               bool takes_unipc) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  if (takes_unipc && reader.string_or("_class_name", "") == kUniPcClass) return read_unipc(reader);
  SchedulerConfig config;
  check_class(reader, "FlowMatchEulerDiscreteScheduler");
  for (const char* key : {"invert_sigmas", "stochastic_sampling", "use_karras_sigmas",
                          "use_exponential_sigmas", "use_beta_sigmas"})
    reader.only(key, false);
  // A missing key means the scheduler's own default, not the published models' value.
  config.dynamic_shifting = reader.boolean_or("use_dynamic_shifting", false);
  config.shift = reader.positive_or("shift", 1.0);
  const std::string shape = reader.string_or("time_shift_type", "exponential");
  if (shape == "linear")
    config.time_shift = TimeShift::linear;
  else if (shape != "exponential")
    reader.refuse("time_shift_type",
                  fmt::format("expected \"exponential\" or \"linear\", found \"{}\"", shape));
  // diffusers takes 0 for "no terminal" too.
  const double terminal = reader.number_or("shift_terminal", 0);
  if (terminal < 0 || terminal >= 1)
    reader.refuse("shift_terminal", fmt::format("expected 0 to below 1, found {}", terminal));
  if (terminal != 0) config.shift_terminal = terminal;
  config.base_shift = reader.positive_or("base_shift", config.base_shift);
  config.max_shift = reader.positive_or("max_shift", config.max_shift);
  config.base_tokens = reader.integer_or("base_image_seq_len", config.base_tokens, kSizes);
  config.max_tokens = reader.integer_or("max_image_seq_len", config.max_tokens, kSizes);
  config.train_timesteps = reader.positive_or("num_train_timesteps", config.train_timesteps);
  TRY(reader.finish());
  return config;
}

}  // namespace imagined::engine
