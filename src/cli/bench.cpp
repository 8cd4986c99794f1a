// imagined bench: seconds and share of the machine's peak, stage by stage.
#include <fmt/format.h>

#include <cstdio>

#include "base/json_text.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/process.h"
#include "engine/lab/lab.h"
#include "service/pictures/picture_request.h"

namespace imagined::cli {
namespace {

struct BenchOptions {
  ConfigFlags flags;
  std::string model;
  std::string prompt = "a red house on the beach at sunset";
  int width = 1024;
  int height = 1024;
  int steps = 0;
  int count = 1;
  int repeats = 3;
  std::string implementations;
  bool json = false;
};

// What the stages are measured against: the precision's own product where the machine has one.
double peak_gflops(const engine::MachinePeak& peak, engine::Precision precision) {
  if (precision == engine::Precision::int8 && peak.int8_gops > 0) return peak.int8_gops;
  if (precision != engine::Precision::f32 && peak.bf16_gflops > 0) return peak.bf16_gflops;
  return peak.f32_gflops;
}

struct Measured {
  std::string model;
  std::string precision;
  engine::MachinePeak peak;
  double against_gflops = 0;
  engine::BenchReport report;
};

void print_json(const Measured& measured, const BenchOptions& options) {
  JsonText stages = JsonText::array();
  for (const engine::StageReport& stage : measured.report.stages) {
    const double gflops = stage.seconds > 0 ? stage.gflop / stage.seconds : 0;
    stages.push(JsonText::object({{"stage", stage.stage},
                                  {"count", stage.count},
                                  {"seconds", stage.seconds},
                                  {"gflop", stage.gflop},
                                  {"gflops", gflops},
                                  {"share_of_peak", gflops / measured.against_gflops}}));
  }
  const JsonText machine = JsonText::object({{"processor", measured.peak.processor},
                                             {"threads", measured.peak.threads},
                                             {"f32_gflops", measured.peak.f32_gflops},
                                             {"bf16_gflops", measured.peak.bf16_gflops},
                                             {"int8_gops", measured.peak.int8_gops}});
  const JsonText whole = JsonText::object({{"model", measured.model},
                                           {"precision", measured.precision},
                                           {"width", options.width},
                                           {"height", options.height},
                                           {"count", options.count},
                                           {"load_seconds", measured.report.load_seconds},
                                           {"seconds", measured.report.seconds},
                                           {"machine", machine},
                                           {"stages", stages}});
  fmt::print("{}\n", whole.text());
}

void print_text(const Measured& measured, const BenchOptions& options) {
  const engine::MachinePeak& peak = measured.peak;
  fmt::print("{}, {} threads: f32 {:.0f}, bf16 {:.0f}, int8 {:.0f} GFLOP/s\n", peak.processor,
             peak.threads, peak.f32_gflops, peak.bf16_gflops, peak.int8_gops);
  fmt::print("{} in {}, {} x {}, loaded in {:.2f} s\n\n", measured.model, measured.precision,
             options.width, options.height, measured.report.load_seconds);
  fmt::print("{:<18} {:>5} {:>10} {:>10} {:>10} {:>7}\n", "STAGE", "RUNS", "SECONDS", "GFLOP",
             "GFLOP/S", "PEAK");
  for (const engine::StageReport& stage : measured.report.stages) {
    const double gflops = stage.seconds > 0 ? stage.gflop / stage.seconds : 0;
    fmt::print("{:<18} {:>5} {:>10.4f} {:>10.2f} {:>10.0f} {:>6.0f}%\n", stage.stage, stage.count,
               stage.seconds, stage.gflop, gflops, 100 * gflops / measured.against_gflops);
  }
  fmt::print("{:<18} {:>5} {:>10.4f}\n", options.count == 1 ? "whole picture" : "whole request", "",
             measured.report.seconds);
}

int bench(const BenchOptions& options) {
  const auto config = load_config(options.flags, options.model);
  if (!config) return report(kExitConfig, config.error());
  const auto model = choose_model(*config, options.model);
  if (!model) return report(model.error());
  engine::LoadOptions loading = load_options(*config, *model);
  loading.implementations = options.implementations;
  Measured measured{.model = model->name,
                    .precision = std::string(engine::to_string(loading.precision))};
  auto benched = engine::bench_model(
      loading, {.generate = {.prompt = options.prompt,
                             .width = options.width,
                             .height = options.height,
                             .steps = options.steps > 0 ? options.steps : model->steps,
                             .guidance = model->guidance,
                             .seed = 1},
                .count = options.count,
                .repeats = options.repeats,
                .seconds_now = seconds_now});
  if (!benched) return report(benched.error());
  measured.report = std::move(*benched);
  measured.peak = engine::measure_machine_peak(loading.threads, seconds_now);
  measured.against_gflops = peak_gflops(measured.peak, loading.precision);
  if (options.json) {
    print_json(measured, options);
  } else {
    print_text(measured, options);
  }
  return kExitOk;
}

}  // namespace

Command bench_command() {
  const auto options = std::make_shared<BenchOptions>();
  Command command{"bench", "Measure a model, stage by stage"};
  command.options = {
      {"model", &options->model, kModelHelp},
      {"--prompt", &options->prompt, "What to show"},
      {"--width", &options->width, "Pixels", {.min = 64, .max = 4096}},
      {"--height", &options->height, "Pixels", {.min = 64, .max = 4096}},
      {"--steps", &options->steps, "Denoising steps [the model's]", {.min = 1, .max = 100}},
      {"-n,--count",
       &options->count,
       "Pictures of one request",
       {.min = 1, .max = service::kPictureCountMax}},
      {"--repeats",
       &options->repeats,
       "Requests to make; the fastest counts",
       {.min = 1, .max = 100}},
      {"--implementations", &options->implementations,
       "Implementation per operation, such as matmul=reference"},
      {"--json", &options->json, kJsonHelp},
  };
  add_config_options(command, options->flags, engine_settings());
  command.footer =
      "PEAK is the share of what the machine's registers can multiply in this precision.\n"
      "Example:\n  imagined bench --width 2048 --height 2048 --repeats 5 --json";
  command.run = [options] { return bench(*options); };
  return command;
}

}  // namespace imagined::cli
