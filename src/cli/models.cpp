// imagined models list|show|check|tokens; pull has a file of its own
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <iterator>

#include "base/json_text.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/estimate.h"
#include "cli/exit_code.h"
#include "cli/machine.h"
#include "cli/options.h"
#include "cli/process.h"
#include "engine/engine.h"
#include "engine/lab/lab.h"
#include "service/billing/money.h"

namespace imagined::cli {
namespace {

struct ModelsOptions {
  ConfigFlags flags;
  std::string model;
  std::string golden;
  std::string result;
  std::string precision = "f32";
  std::string implementations;
  bool json = false;
};

std::string_view words_of(service::Makes makes) {
  switch (makes) {
    case service::Makes::pictures:
      return "pictures";
    case service::Makes::videos:
      return "videos";
    case service::Makes::all:
      break;
  }
  return "all";
}

int list(const ModelsOptions& options) {
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  if (options.json) {
    JsonText items = JsonText::array();
    for (const ModelSettings& model : config->models) {
      items.push(
          JsonText::object({{"id", model.name},
                            {"path", model.path},
                            {"elsewhere", model.elsewhere},
                            {"steps", model.steps},
                            {"makes", words_of(model.makes)},
                            {"price_usd", service::format_usd(model.price_usd_ticks)},
                            {"price_second_usd", service::format_usd(model.price_second_usd_ticks)},
                            {"aliases", JsonText::array_of(model.aliases)}}));
    }
    fmt::print("{}\n", JsonText::object({{"models", items}}).text());
    return kExitOk;
  }
  fmt::print("{:<28}  {:<8}  {:>5}  {:>9}  {}\n", "NAME", "MAKES", "STEPS", "PRICE USD", "PATH");
  for (const ModelSettings& model : config->models) {
    const bool by_the_second = model.makes == service::Makes::videos;
    fmt::print("{:<28}  {:<8}  {:>5}  {:>9}  {}\n", model.name, words_of(model.makes), model.steps,
               by_the_second ? service::format_usd(model.price_second_usd_ticks) + "/s"
                             : service::format_usd(model.price_usd_ticks),
               !model.upstreams.empty()
                   ? fmt::format("(upstreams: {})", join_words(model.upstreams, ", "))
               : model.elsewhere ? std::string("(elsewhere)")
                                 : model.path);
  }
  return kExitOk;
}

// A line of `models show`.
struct Fact {
  std::string_view name;
  JsonText json;
  std::string text;
};
Fact fact(std::string_view name, const auto& value) {
  return {name, JsonText(value), fmt::format("{}", value)};
}

int show(const ModelsOptions& options) {
  const auto config = load_config(options.flags, options.model);
  if (!config) return report(kExitConfig, config.error());
  const auto model = choose_model(*config, options.model);
  if (!model) return report(model.error());
  const double begin_s = seconds_now();
  const auto engine = engine::Engine::load(load_options(*config, *model));
  if (!engine) return report(engine.error());
  const double load_s = seconds_now() - begin_s;
  const engine::ModelSummary& summary = (*engine)->summary();
  std::vector<Fact> facts = {fact("name", model->name),
                             fact("path", model->path),
                             fact("family", summary.family),
                             fact("precision", engine::to_string(summary.precision)),
                             fact("parameters", summary.parameters),
                             fact("weight_bytes", summary.weight_bytes),
                             fact("mapped_bytes", summary.mapped_bytes),
                             fact("pixels_per_token", summary.pixels_per_token),
                             fact("native_pixels", summary.native_pixels),
                             fact("max_prompt_tokens", summary.max_prompt_tokens),
                             fact("default_steps", summary.default_steps),
                             fact("default_guidance", summary.default_guidance),
                             fact("guidance", engine::to_string(summary.guidance)),
                             fact("max_references", summary.max_references),
                             fact("takes_masks", summary.inpaints),
                             fact("clip_frames_per_second", summary.clip_frames_per_second),
                             fact("distilled", summary.distilled),
                             fact("distilled_by", summary.distilled_by),
                             fact("cached_references", summary.cached_references),
                             fact("cached_references_by", summary.cached_references_by),
                             fact("load_seconds", load_s)};
  if (!summary.card.empty()) facts.push_back(fact("card", summary.card));
  if (!summary.draws.empty())
    facts.push_back({"draws", JsonText::array_of(summary.draws), join_words(summary.draws, ", ")});
  auto sizes = estimate_sizes(**engine, *model);
  if (!sizes) return report(sizes.error());
  const Memory memory = inspect_memory();
  const auto rates = engine::measure_products(
      summary.precision, static_cast<int>(config->settings.threads), seconds_now);
  for (SizeEstimate& size : *sizes) size.seconds = counted_seconds(size.cost, rates);
  auto clips = estimate_clips(**engine, *model);
  if (!clips) return report(clips.error());
  for (ClipEstimate& clip : *clips) clip.seconds = counted_seconds(clip.cost, rates);
  facts.push_back(fact("text_encode_bytes", sizes->front().cost.text_encode_bytes));
  facts.push_back(fact("step_bytes", sizes->front().cost.step_bytes));
  if (!options.json) {
    for (const Fact& fact : facts) fmt::print("{:<22} {}\n", fact.name, fact.text);
    for (const SizeEstimate& size : *sizes)
      fmt::print("{:<22} {}\n", fmt::format("{0} x {0}", size.side),
                 estimate_text(size.cost, size.seconds, memory));
    for (const ClipEstimate& clip : *clips)
      fmt::print("{:<22} {}\n", clip_text(clip), estimate_text(clip.cost, clip.seconds, memory));
    fmt::print("{:<22} counted from the shapes, by {:.0f} GFLOP/s of a product here\n", "seconds",
               rates.blocks);
    if (const std::string cached = page_cache_text(sizes->front(), memory); !cached.empty())
      fmt::print("{:<22} {}\n", "page cache", cached);
    for (const engine::ModelFile& file : summary.files) {
      fmt::print("{:<22} {} ({})\n", file.part, file.path.string(), file.why);
    }
    for (const std::string& note : summary.notes) fmt::print("{:<22} {}\n", "note", note);
    return kExitOk;
  }
  JsonText files = JsonText::array();
  for (const engine::ModelFile& file : summary.files) {
    files.push(
        JsonText::object({{"part", file.part}, {"path", file.path.string()}, {"why", file.why}}));
  }
  JsonText items = JsonText::array();
  for (const SizeEstimate& size : *sizes) items.push(estimate_json(size, memory));
  JsonText videos = JsonText::array();
  for (const ClipEstimate& clip : *clips) videos.push(estimate_json(clip, memory));
  JsonText whole = JsonText::object();
  for (const Fact& fact : facts) whole.add(fact.name, fact.json);
  whole.add("sizes", items).add("clips", videos).add("product_gflops", rates.blocks);
  whole.add("files", files).add("notes", JsonText::array_of(summary.notes));
  fmt::print("{}\n", whole.text());
  return kExitOk;
}

void print_table(const engine::CheckReport& checked) {
  fmt::print("{:<32}  {:>10}  {:>12}  {:>10}\n", "TENSOR", "MAX ERROR", "RELATIVE RMS",
             "TOLERANCE");
  for (const engine::TensorCheck& tensor : checked.tensors) {
    const char* verdict = !tensor.judged ? "not judged" : tensor.passed ? "" : "FAILED";
    fmt::print("{:<32}  {:>10.3e}  {:>12.3e}  {:>10.1e}  {}\n", tensor.name, tensor.max_error,
               tensor.relative_rms, tensor.tolerance, verdict);
  }
  fmt::print("{}\n", checked.passed ? "passed" : "failed");
}

void print_json(const engine::CheckReport& checked) {
  JsonText items = JsonText::array();
  for (const engine::TensorCheck& tensor : checked.tensors) {
    items.push(JsonText::object({{"name", tensor.name},
                                 {"max_error", tensor.max_error},
                                 {"relative_rms", tensor.relative_rms},
                                 {"tolerance", tensor.tolerance},
                                 {"judged", tensor.judged},
                                 {"passed", tensor.passed}}));
  }
  fmt::print("{}\n", JsonText::object({{"passed", checked.passed}, {"tensors", items}}).text());
}

int check(const ModelsOptions& options) {
  const auto config = load_config(options.flags, options.model);
  if (!config) return report(kExitConfig, config.error());
  const auto model = choose_model(*config, options.model);
  if (!model) return report(model.error());
  const auto checked = engine::check_model({.model = model->path,
                                            .choices = model_choices(*model),
                                            .golden = options.golden,
                                            .precision = engine::precision_of(options.precision),
                                            .result = options.result,
                                            .threads = static_cast<int>(config->settings.threads),
                                            .implementations = options.implementations});
  if (!checked) return report(checked.error());
  if (options.json) {
    print_json(*checked);
  } else {
    print_table(*checked);
  }
  return checked->passed ? kExitOk : kExitFailure;
}

int tokens(const ModelsOptions& options) {
  const auto config = load_config(options.flags, options.model);
  if (!config) return report(kExitConfig, config.error());
  const auto model = choose_model(*config, options.model);
  if (!model) return report(model.error());
  const std::string text{std::istreambuf_iterator<char>(std::cin),
                         std::istreambuf_iterator<char>()};
  const auto ids = engine::tokenize_prompt(model->path, text, model_choices(*model));
  if (!ids) return report(ids.error());
  if (options.json) {
    fmt::print("{}\n", JsonText::object({{"ids", JsonText::array_of(*ids)}}).text());
  } else {
    for (const std::int32_t id : *ids) fmt::print("{}\n", id);
  }
  return kExitOk;
}

}  // namespace

Command models_command() {
  const auto options = std::make_shared<ModelsOptions>();
  const auto part = [&](const char* name, const char* help, int (*work)(const ModelsOptions&),
                        std::vector<Option> own, const std::vector<std::string_view>& settings) {
    Command command{name, help, std::move(own)};
    command.options.push_back({"--json", &options->json, kJsonHelp});
    add_config_options(command, options->flags, settings);
    command.run = [options, work] { return work(*options); };
    return command;
  };
  const Option model{"model", &options->model, kModelHelp};
  const Option required_model{"model", &options->model, kModelHelp, {.required = true}};
  Command models{"models", "List, show, check and fetch models"};
  models.footer =
      "Examples:\n"
      "  imagined models list\n"
      "  imagined models pull klein-4b\n"
      "  imagined models check FOLDER --golden run.safetensors --result ours.safetensors\n"
      "  echo -n \"a red house\" | imagined models tokens FOLDER --json";
  models.commands = {
      part("list", "List the configured models", list, {}, {"models_dir", "log_level"}),
      part("show", "Load a model and say what it is", show, {model}, engine_settings()),
      part(
          "check", "Run a model on a recorded run of the reference and compare", check,
          {required_model,
           {"--golden",
            &options->golden,
            "The recorded run",
            {.value_name = "FILE", .required = true}},
           {"--result", &options->result, "Where to write our own tensors", {.value_name = "FILE"}},
           {"--precision", &options->precision, "Arithmetic", {.choices = {"f32", "bf16", "int8"}}},
           {"--implementations", &options->implementations,
            "Implementation per operation, such as matmul=reference"}},
          {"models_dir", "threads", "log_level"}),
      part("tokens", "Print the token ids of the text on stdin", tokens, {required_model},
           {"models_dir", "log_level"}),
      pull_command()};
  return models;
}

}  // namespace imagined::cli
