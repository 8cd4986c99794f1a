// imagined doctor: what the machine offers and what the configured models need.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "base/json_text.h"
#include "base/words.h"
#include "cli/checks.h"
#include "cli/command.h"
#include "cli/estimate.h"
#include "cli/exit_code.h"
#include "cli/machine.h"
#include "cli/options.h"
#include "cli/process.h"
#include "engine/lab/lab.h"

namespace imagined::cli {
namespace {

namespace fs = std::filesystem;

// Room for activations, stores and the program itself beside the weights.
constexpr std::int64_t kWorkingBytes = std::int64_t{512} << 20;

double gib(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

struct DoctorOptions {
  ConfigFlags flags;
  bool json = false;
};

struct ModelFinding {
  std::string name;
  std::string path;
  std::string precision;
  std::int64_t weight_bytes = 0;
  double seconds = 0;   // of a 1k picture; 0: not known
  std::string problem;  // empty: none
};

struct Findings {
  Machine machine;
  std::string data_dir;
  std::vector<ModelFinding> models;
  std::vector<std::string> problems;
};

// Bytes of the weight files at a path. They are read through the page cache, which keeps what there
// is room for; what it cannot keep comes from the disk again.
std::int64_t weight_bytes(const fs::path& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error))
    return static_cast<std::int64_t>(fs::file_size(path, error));
  std::int64_t total = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    const fs::path ending = entry.path().extension();
    const bool weights = ending == ".safetensors" || ending == ".gguf";
    if (weights && entry.is_regular_file(error)) {
      total += static_cast<std::int64_t>(entry.file_size(error));
    }
  }
  return total;
}

// One step of a small picture, whose time tells that of a whole one.
constexpr int kBenchSide = 256;
constexpr double kPixels1k = 1024.0 * 1024.0;

// Seconds of a 1k picture on this machine; a model that cannot make one says why.
Result<double> measure_seconds(const engine::LoadOptions& options, const ModelSettings& model) {
  const auto bench =
      TRY(engine::bench_model(options, {.generate = {.prompt = "a red house on the beach at sunset",
                                                     .width = kBenchSide,
                                                     .height = kBenchSide,
                                                     .steps = 1,
                                                     .guidance = model.guidance},
                                        .repeats = 1,
                                        .seconds_now = seconds_now}));
  const int steps = model.steps > 0 ? model.steps : bench.model.default_steps;
  return estimate_seconds(bench, kBenchSide * kBenchSide, kPixels1k, steps);
}

ModelFinding inspect_model(const ModelSettings& model, const Config& config,
                           const Machine& machine) {
  const engine::LoadOptions options = load_options(config, model);
  ModelFinding finding{.name = model.name,
                       .path = model.path,
                       .precision = std::string(engine::to_string(options.precision))};
  if (auto missing = model_problem(config, model)) {
    finding.problem = std::move(*missing);
    return finding;
  }
  finding.weight_bytes = weight_bytes(model.path);
  if (kWorkingBytes > machine.memory_free_bytes) {
    finding.problem =
        fmt::format("needs about {:.1f} GiB of memory; {:.1f} of {:.1f} GiB are free",
                    gib(kWorkingBytes), gib(machine.memory_free_bytes), gib(machine.memory_bytes));
    return finding;
  }
  // Loading reads every tensor's shape and every file that the model needs.
  const auto seconds = measure_seconds(options, model);
  if (!seconds) {
    finding.problem = seconds.error().message;
    return finding;
  }
  finding.seconds = *seconds;
  const auto timeout_s = static_cast<double>(config.settings.job_timeout_s);
  if (timeout_s > 0 && finding.seconds > timeout_s) {
    finding.problem = fmt::format(
        "a 1k picture takes about {:.0f} s, but job_timeout_s = {:.0f}: requests would end in 504; "
        "leave it out, or set it to {:.0f} or more",
        finding.seconds, timeout_s, std::ceil(2 * finding.seconds / 60) * 60);
  }
  return finding;
}

Findings examine(const Config& config) {
  Findings findings{.machine = inspect_machine(), .data_dir = config.settings.data_dir};
  const auto& sets = findings.machine.instruction_sets;
  if (std::find(sets.begin(), sets.end(), "avx2") == sets.end()) {
    findings.problems.emplace_back("the processor has no AVX2, which the engine needs");
  }
  const auto add = [&](std::optional<std::string> problem) {
    if (problem) findings.problems.push_back(std::move(*problem));
  };
  add(data_dir_problem(findings.data_dir));
  add(descriptor_problem(raise_descriptor_limit(), config.settings.connections_max));
  for (const ModelSettings& model : config.models) {
    if (model.elsewhere) continue;
    findings.models.push_back(inspect_model(model, config, findings.machine));
    const ModelFinding& finding = findings.models.back();
    if (!finding.problem.empty()) {
      findings.problems.push_back(fmt::format("model {}: {}", finding.name, finding.problem));
    }
  }
  return findings;
}

void print_json(const Findings& findings) {
  JsonText models = JsonText::array();
  for (const ModelFinding& model : findings.models) {
    models.push(JsonText::object(
        {{"name", model.name},
         {"path", model.path},
         {"precision", model.precision},
         {"weight_bytes", model.weight_bytes},
         {"seconds_1k", model.seconds},
         {"problem", model.problem.empty() ? JsonText() : JsonText(model.problem)}}));
  }
  const Machine& machine = findings.machine;
  const JsonText whole =
      JsonText::object({{"processor", machine.processor},
                        {"cores", machine.cores},
                        {"instruction_sets", JsonText::array_of(machine.instruction_sets)},
                        {"memory_bytes", machine.memory_bytes},
                        {"memory_free_bytes", machine.memory_free_bytes},
                        {"gpus", JsonText::array_of(machine.gpus)},
                        {"data_dir", findings.data_dir},
                        {"models", models},
                        {"problems", JsonText::array_of(findings.problems)}});
  fmt::print("{}\n", whole.text());
}

void print_text(const Findings& findings) {
  const Machine& machine = findings.machine;
  const std::string gpus = machine.gpus.empty() ? "none" : join_words(machine.gpus, ", ");
  fmt::print("processor     {}\n", machine.processor);
  fmt::print("cores         {}\n", machine.cores);
  fmt::print("instructions  {}\n", join_words(machine.instruction_sets, ", "));
  fmt::print("memory        {:.1f} GiB, {:.1f} GiB free\n", gib(machine.memory_bytes),
             gib(machine.memory_free_bytes));
  fmt::print("GPU           {}{}\n", gpus,
             machine.gpus.empty() ? "" : " (this build runs on the CPU)");
  fmt::print("data folder   {}\n", findings.data_dir);
  for (const ModelFinding& model : findings.models) {
    fmt::print("model         {} in {}: {:.1f} MiB of weights in {}\n", model.name, model.precision,
               static_cast<double>(model.weight_bytes) / (1 << 20), model.path);
    if (model.weight_bytes > 0) {
      const bool fits = model.weight_bytes + kWorkingBytes <= machine.memory_free_bytes;
      fmt::print(
          "              {} {:.1f} GiB free memory{}\n",
          fits ? "stay in the page cache, beside about 0.5 GiB to work in, of"
               : "are more than fits beside about 0.5 GiB to work in, so that parts are read "
                 "from the disk for every picture, of",
          gib(machine.memory_free_bytes),
          model.seconds > 0 ? fmt::format("; a 1k picture takes about {:.1f} s", model.seconds)
                            : "");
    }
  }
  for (const std::string& problem : findings.problems) fmt::print("PROBLEM       {}\n", problem);
  if (findings.problems.empty()) fmt::print("all is well\n");
}

int doctor(const DoctorOptions& options) {
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  const Findings findings = examine(*config);
  if (options.json) {
    print_json(findings);
  } else {
    print_text(findings);
  }
  return findings.problems.empty() ? kExitOk : kExitFailure;
}

}  // namespace

Command doctor_command() {
  const auto options = std::make_shared<DoctorOptions>();
  Command command{"doctor", "Say what this machine offers and what the models need"};
  command.options = {{"--json", &options->json, kJsonHelp}};
  add_config_options(command, options->flags,
                     {"data_dir", "models_dir", "device", "precision", "threads", "job_timeout_s",
                      "connections_max", "log_level"});
  command.footer = "Exit status 1 when something would keep the server from working.";
  command.run = [options] { return doctor(*options); };
  return command;
}

}  // namespace imagined::cli
