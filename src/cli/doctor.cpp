// imagined doctor: what the machine offers and what the configured models need.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/machine.h"
#include "cli/options.h"
#include "engine/engine.h"

namespace imagined::cli {
namespace {

namespace fs = std::filesystem;

// Room for activations, stores and the program itself beside the weights of a small model.
constexpr std::int64_t kWorkingBytes = std::int64_t{512} << 20;

struct Options {
  ConfigFlags flags;
  bool json = false;
};

struct ModelFinding {
  std::string name;
  std::string path;
  std::int64_t weight_bytes = 0;
  std::string problem;  // empty: none
};

struct Findings {
  Machine machine;
  std::string data_dir;
  std::string data_dir_problem;
  std::vector<ModelFinding> models;
  std::vector<std::string> problems;
};

// Bytes of the weight files at a path: about what a loaded model holds in memory, but for GGUF
// files in blocks, which grow when they are decoded.
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

// The nearest folder that exists on the way to `path`, which must be writable to make the rest.
std::string data_dir_problem(fs::path path) {
  std::error_code error;
  while (!fs::exists(path, error) && path != path.parent_path()) path = path.parent_path();
  if (access(path.c_str(), W_OK | X_OK) != 0)
    return fmt::format("{} is not writable", path.string());
  return {};
}

ModelFinding inspect_model(const ModelSettings& model, const Config& config,
                           const Machine& machine) {
  ModelFinding finding{model.name, model.path, weight_bytes(model.path), {}};
  if (finding.weight_bytes + kWorkingBytes > machine.memory_free_bytes) {
    finding.problem =
        fmt::format("needs about {:.1f} GiB of memory, {:.1f} GiB are free",
                    static_cast<double>(finding.weight_bytes + kWorkingBytes) / (1 << 30),
                    static_cast<double>(machine.memory_free_bytes) / (1 << 30));
    return finding;
  }
  // Loading reads every tensor's shape and every file that the model needs.
  const auto engine = engine::Engine::load(load_options(config, model));
  if (!engine) finding.problem = engine.error().message;
  return finding;
}

Findings examine(const Config& config) {
  Findings findings{.machine = inspect_machine(), .data_dir = config.settings.data_dir};
  const auto& sets = findings.machine.instruction_sets;
  if (std::find(sets.begin(), sets.end(), "avx2") == sets.end()) {
    findings.problems.emplace_back("the processor has no AVX2, which the engine needs");
  }
  findings.data_dir_problem = data_dir_problem(findings.data_dir);
  if (!findings.data_dir_problem.empty()) findings.problems.push_back(findings.data_dir_problem);
  for (const ModelSettings& model : config.models) {
    findings.models.push_back(inspect_model(model, config, findings.machine));
    const ModelFinding& finding = findings.models.back();
    if (!finding.problem.empty()) {
      findings.problems.push_back(fmt::format("model {}: {}", finding.name, finding.problem));
    }
  }
  return findings;
}

void print_json(const Findings& findings) {
  nlohmann::json models = nlohmann::json::array();
  for (const ModelFinding& model : findings.models) {
    models.push_back(
        {{"name", model.name},
         {"path", model.path},
         {"weight_bytes", model.weight_bytes},
         {"problem", model.problem.empty() ? nlohmann::json() : nlohmann::json(model.problem)}});
  }
  const Machine& machine = findings.machine;
  fmt::print("{}\n", nlohmann::json{{"processor", machine.processor},
                                    {"cores", machine.cores},
                                    {"instruction_sets", machine.instruction_sets},
                                    {"memory_bytes", machine.memory_bytes},
                                    {"memory_free_bytes", machine.memory_free_bytes},
                                    {"gpus", machine.gpus},
                                    {"data_dir", findings.data_dir},
                                    {"models", std::move(models)},
                                    {"problems", findings.problems}}
                         .dump());
}

void print_text(const Findings& findings) {
  constexpr double kGib = 1 << 30;
  const Machine& machine = findings.machine;
  const std::string gpus =
      machine.gpus.empty() ? "none" : fmt::format("{}", fmt::join(machine.gpus, ", "));
  fmt::print("processor     {}\n", machine.processor);
  fmt::print("cores         {}\n", machine.cores);
  fmt::print("instructions  {}\n", fmt::join(machine.instruction_sets, ", "));
  fmt::print("memory        {:.1f} GiB, {:.1f} GiB free\n",
             static_cast<double>(machine.memory_bytes) / kGib,
             static_cast<double>(machine.memory_free_bytes) / kGib);
  fmt::print("GPU           {}{}\n", gpus,
             machine.gpus.empty() ? "" : " (this build runs on the CPU)");
  fmt::print("data folder   {}\n", findings.data_dir);
  for (const ModelFinding& model : findings.models) {
    fmt::print("model         {}: {:.1f} MiB of weights in {}{}\n", model.name,
               static_cast<double>(model.weight_bytes) / (1 << 20), model.path,
               model.problem.empty() ? "" : " - cannot be used");
  }
  for (const std::string& problem : findings.problems) fmt::print("PROBLEM       {}\n", problem);
  if (findings.problems.empty()) fmt::print("all is well\n");
}

int doctor(const Options& options) {
  const auto config = load_config(options.flags);
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
  const auto options = std::make_shared<Options>();
  Command command{"doctor", "Say what this machine offers and what the models need"};
  command.options = {{"--json", &options->json, kJsonHelp}};
  add_config_options(command, options->flags,
                     {"data_dir", "models_dir", "device", "precision", "threads", "log_level"});
  command.footer = "Exit status 1 when something would keep the server from working.";
  command.run = [options] { return doctor(*options); };
  return command;
}

}  // namespace imagined::cli
