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
#include "hub/known_models.h"

namespace imagined::cli {
namespace {

namespace fs = std::filesystem;

struct DoctorOptions {
  ConfigFlags flags;
  bool json = false;
};

struct ModelFinding {
  std::string name;
  std::string path;
  std::string precision;
  std::int64_t weight_bytes = 0;
  std::vector<SizeEstimate> sizes;  // empty: not known
  std::vector<ClipEstimate> clips;  // of a model that makes videos
  bool measured = false;            // their seconds, by a small picture; else counted
  std::string card;                 // what it says about itself
  bool small_world = false;         // it says which nouns it draws
  std::string problem;              // empty: none

  const SizeEstimate& of_1k() const { return *std::ranges::find(sizes, 1024, &SizeEstimate::side); }
};

struct Findings {
  Machine machine;
  std::string data_dir;
  std::vector<ModelFinding> models;
  std::vector<std::string> problems;
  const Config& config;  // with what other servers do
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

// One step of a small picture tells how long whole ones take, unless it would take too long itself.
constexpr int kBenchSide = 256;
constexpr double kBenchSecondsMax = 60;

// What each size takes on this machine; a model that cannot make one says why.
Result<> estimate(const engine::LoadOptions& options, const ModelSettings& model,
                  ModelFinding& finding) {
  {
    const auto engine = TRY(engine::Engine::load(options));
    finding.card = engine->summary().card;
    finding.small_world = !engine->summary().draws.empty();
    finding.sizes = TRY(estimate_sizes(*engine, model));
    const auto rates = engine::measure_products(options.precision, options.threads, seconds_now);
    finding.clips = TRY(estimate_clips(*engine, model));
    for (SizeEstimate& size : finding.sizes) size.seconds = counted_seconds(size.cost, rates);
    for (ClipEstimate& clip : finding.clips) clip.seconds = counted_seconds(clip.cost, rates);
    engine::PictureCost bench = TRY(engine->cost(usual_request(model, kBenchSide)));
    bench.steps = 1;
    finding.measured = counted_seconds(bench, rates) <= kBenchSecondsMax;
  }
  if (!finding.measured) return {};
  engine::GenerateRequest request = usual_request(model, kBenchSide);
  request.steps = 1;
  const auto bench = TRY(engine::bench_model(
      options, {.generate = std::move(request), .repeats = 1, .seconds_now = seconds_now}));
  for (SizeEstimate& size : finding.sizes) size.seconds = scaled_seconds(bench, size.cost);
  return {};
}

ModelFinding inspect_model(const ModelSettings& model, const Config& config, const Memory& memory) {
  const engine::LoadOptions options = load_options(config, model);
  ModelFinding finding{.name = model.name,
                       .path = model.path,
                       .precision = std::string(engine::to_string(options.precision))};
  if (auto missing = model_problem(config, model)) {
    finding.problem = std::move(*missing);
    return finding;
  }
  finding.weight_bytes = weight_bytes(model.path);
  // Loading reads every tensor's shape and every file that the model needs.
  if (const auto estimated = estimate(options, model, finding); !estimated) {
    finding.problem = estimated.error().message;
    return finding;
  }
  const auto timeout_s = static_cast<double>(config.settings.job_timeout_s);
  const double seconds = finding.of_1k().seconds;
  if (timeout_s > 0 && seconds > timeout_s) {
    finding.problem = fmt::format(
        "a 1k picture takes about {:.0f} s, but job_timeout_s = {:.0f}: requests would end in 504; "
        "leave it out, or set it to {:.0f} or more",
        seconds, timeout_s, std::ceil(2 * seconds / 60) * 60);
  } else if (finding.of_1k().cost.working_bytes > memory.total_bytes) {
    finding.problem = "a 1k picture needs " +
                      estimate_text(finding.of_1k().cost, finding.of_1k().seconds, memory);
  }
  return finding;
}

Findings examine(const Config& config) {
  Findings findings{.machine = inspect_machine(),
                    .data_dir = config.settings.data_dir,
                    .models = {},
                    .problems = {},
                    .config = config};
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
    findings.models.push_back(inspect_model(model, config, findings.machine.memory));
    const ModelFinding& finding = findings.models.back();
    if (!finding.problem.empty()) {
      findings.problems.push_back(fmt::format("model {}: {}", finding.name, finding.problem));
    }
  }
  const config::Environment environment = process_environment();
  for (const config::UpstreamSettings& upstream : config.upstreams)
    add(upstream_problem(upstream, environment));
  return findings;
}

/// The models of this server that an upstream makes.
std::vector<std::string> made_by(const config::UpstreamSettings& upstream, const Config& config) {
  std::vector<std::string> names;
  for (const ModelSettings& model : config.models)
    for (const std::string& text : model.upstreams)
      if (config::split_upstream_model(text).name == upstream.name) names.push_back(model.name);
  return names;
}

/// Whether they answer is not asked: that may cost money, and passes.
JsonText upstreams_json(const Config& config) {
  JsonText upstreams = JsonText::array();
  for (const config::UpstreamSettings& upstream : config.upstreams)
    upstreams.push(JsonText::object({{"name", upstream.name},
                                     {"base_url", upstream.base_url},
                                     {"key_env", upstream.key_env},
                                     {"talks", JsonText::array_of(upstream.models)},
                                     {"makes", JsonText::array_of(made_by(upstream, config))}}));
  return upstreams;
}

JsonText chats_json(const Config& config) {
  JsonText chats = JsonText::array();
  for (const config::ChatSettings& chat : config.chats)
    chats.push(
        JsonText::object({{"name", chat.name}, {"talks", chat.talks}, {"makes", chat.makes}}));
  return chats;
}

void print_json(const Findings& findings) {
  JsonText models = JsonText::array();
  for (const ModelFinding& model : findings.models) {
    JsonText sizes = JsonText::array();
    for (const SizeEstimate& size : model.sizes)
      sizes.push(estimate_json(size, findings.machine.memory));
    JsonText clips = JsonText::array();
    for (const ClipEstimate& clip : model.clips)
      clips.push(estimate_json(clip, findings.machine.memory));
    models.push(JsonText::object(
        {{"name", model.name},
         {"path", model.path},
         {"precision", model.precision},
         {"card", model.card},
         {"weight_bytes", model.weight_bytes},
         {"text_encode_bytes", model.sizes.empty() ? 0 : model.of_1k().cost.text_encode_bytes},
         {"step_bytes", model.sizes.empty() ? 0 : model.of_1k().cost.step_bytes},
         {"seconds_1k", model.sizes.empty() ? 0 : model.of_1k().seconds},
         {"measured", model.measured},
         {"sizes", sizes},
         {"clips", clips},
         {"problem", model.problem.empty() ? JsonText() : JsonText(model.problem)}}));
  }
  const Machine& machine = findings.machine;
  const JsonText whole =
      JsonText::object({{"processor", machine.processor},
                        {"cores", machine.cores},
                        {"instruction_sets", JsonText::array_of(machine.instruction_sets)},
                        {"memory_bytes", machine.memory.total_bytes},
                        {"memory_free_bytes", machine.memory.free_bytes},
                        {"gpus", JsonText::array_of(machine.gpus)},
                        {"data_dir", findings.data_dir},
                        {"models", models},
                        {"upstreams", upstreams_json(findings.config)},
                        {"chats", chats_json(findings.config)},
                        {"problems", JsonText::array_of(findings.problems)}});
  fmt::print("{}\n", whole.text());
}

/// How to get a model that draws anything, where there is none.
void print_larger_models(const std::vector<ModelFinding>& models) {
  if (models.empty() || !std::ranges::all_of(models, &ModelFinding::small_world)) return;
  const hub::KnownModel& first = hub::known_models().front();
  fmt::print(
      "any picture   `imagined models pull {}` fetches a model that knows more than a small world "
      "({}); `imagined models pull --help` lists others\n",
      first.name, first.about);
}

void print_text(const Findings& findings) {
  const Machine& machine = findings.machine;
  const std::string gpus = machine.gpus.empty() ? "none" : join_words(machine.gpus, ", ");
  fmt::print("processor     {}\n", machine.processor);
  fmt::print("cores         {}\n", machine.cores);
  fmt::print("instructions  {}\n", join_words(machine.instruction_sets, ", "));
  fmt::print("memory        {:.1f} GiB, {:.1f} GiB free\n", gib(machine.memory.total_bytes),
             gib(machine.memory.free_bytes));
  fmt::print("GPU           {}{}\n", gpus,
             machine.gpus.empty() ? "" : " (this build runs on the CPU)");
  fmt::print("data folder   {}\n", findings.data_dir);
  for (const ModelFinding& model : findings.models) {
    fmt::print("model         {} in {}: {:.1f} MiB of weights in {}\n", model.name, model.precision,
               static_cast<double>(model.weight_bytes) / (1 << 20), model.path);
    if (model.sizes.empty()) continue;
    constexpr const char* kLine = "              {}\n";
    if (!model.card.empty()) fmt::print(kLine, model.card);
    if (const std::string cached = page_cache_text(model.of_1k(), machine.memory); !cached.empty())
      fmt::print(kLine, cached);
    for (const SizeEstimate& size : model.sizes)
      fmt::print("              {0} x {0}: {1}\n", size.side,
                 estimate_text(size.cost, size.seconds, machine.memory));
    for (const ClipEstimate& clip : model.clips)
      fmt::print("              {}: {}\n", clip_text(clip),
                 estimate_text(clip.cost, clip.seconds, machine.memory));
    fmt::print(kLine, model.measured ? "(times from a small picture made here)"
                                     : "(times counted, by the rate of one product here)");
  }
  print_larger_models(findings.models);
  for (const config::UpstreamSettings& upstream : findings.config.upstreams) {
    fmt::print("upstream      {} at {}{}\n", upstream.name, upstream.base_url,
               upstream.key_env.empty() ? "" : ", with the key in " + upstream.key_env);
    if (!upstream.models.empty())
      fmt::print("              talks: {}\n", join_words(upstream.models, ", "));
    if (const auto made = made_by(upstream, findings.config); !made.empty())
      fmt::print("              makes: {}\n", join_words(made, ", "));
  }
  for (const config::ChatSettings& chat : findings.config.chats)
    fmt::print("chat          {}: {} talks, {} makes its pictures\n", chat.name, chat.talks,
               chat.makes);
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
