// imagined models pull: a model from the hub to this machine.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "base/json_text.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/machine.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/progress.h"
#include "hub/known_models.h"
#include "hub/pull.h"
#include "net/url.h"

namespace imagined::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kGb = 1e9;

struct PullFlags {
  ConfigFlags flags;
  std::string model;
  std::string dir;
  std::string revision = "main";
  int keep_free_gb = 1;
  bool dry_run = false;
  bool json = false;
};

/// What is asked for: a name of ours, or any repository.
struct Wanted {
  std::string name;  // of the folder and the [models.NAME]
  std::string repository;
  const hub::KnownModel* known = nullptr;  // null: a repository that we know nothing of
};

Result<Wanted> find_wanted(const std::string& word) {
  if (const hub::KnownModel* known = hub::find_known_model(word))
    return Wanted{std::string(known->name), std::string(known->repository), known};
  if (hub::is_repository_name(word)) {
    for (const hub::KnownModel& known : hub::known_models())
      if (known.repository == word) return Wanted{std::string(known.name), word, &known};
    return Wanted{word.substr(word.find('/') + 1), word};
  }
  std::vector<std::string_view> names;
  for (const hub::KnownModel& known : hub::known_models()) names.push_back(known.name);
  return fail(ErrorCode::not_found,
              fmt::format("model \"{}\" is neither one of {} nor a repository OWNER/NAME{}", word,
                          fmt::join(names, ", "), did_you_mean(word, names)),
              "model");
}

std::string value_of(const config::Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

/// HF_TOKEN, or the file in which `hf auth login` keeps it.
std::string token_in(const config::Environment& environment) {
  constexpr std::size_t kTokenBytesMax = 4096;
  std::string token = value_of(environment, "HF_TOKEN");
  if (token.empty()) {
    fs::path file = value_of(environment, "HF_TOKEN_PATH");
    fs::path home = value_of(environment, "HF_HOME");
    const std::string cache = value_of(environment, "XDG_CACHE_HOME");
    if (home.empty() && !cache.empty()) home = fs::path(cache) / "huggingface";
    if (home.empty()) home = fs::path(value_of(environment, "HOME")) / ".cache/huggingface";
    if (file.empty()) file = home / "token";
    if (auto text = read_file(file, kTokenBytesMax)) token = std::move(*text);
  }
  // A line break would end the field that it is sent in.
  std::erase_if(token, [](char c) { return c <= ' ' || c > '~'; });
  return token;
}

/// `invalid_argument` for an HF_ENDPOINT that is no address of a hub.
Result<hub::HubOptions> hub_options() {
  const config::Environment environment = process_environment();
  hub::HubOptions options{.token = token_in(environment)};
  if (auto endpoint = value_of(environment, "HF_ENDPOINT"); !endpoint.empty()) {
    const auto url = net::parse_url(endpoint);
    if (!url)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("HF_ENDPOINT is {:?}, expected the address of a hub such as "
                              "https://huggingface.co",
                              endpoint),
                  "HF_ENDPOINT");
    options.endpoint = std::move(endpoint);
  }
  return options;
}

/// Everything that is known before the first byte of a model is fetched.
struct PullPlan {
  Wanted wanted;
  hub::Repository repository;
  std::vector<hub::HubFile> files;
  fs::path folder;
  hub::Standing standing;
  std::string page;
  std::uint64_t disk_free_bytes = 0;
  Machine machine;

  std::uint64_t bytes_to_fetch() const {
    return standing.is_there ? 0 : standing.bytes_total - standing.bytes_present;
  }
  /// Of the part that has the most of them: parts are read one after the other, and what was read
  /// stays in the page cache while there is room.
  std::uint64_t largest_part_bytes() const {
    std::map<std::string_view, std::uint64_t> parts;
    std::uint64_t most = 0;
    for (const hub::HubFile& file : files) {
      const std::string_view path = file.path;
      if (!path.ends_with(".safetensors") && !path.ends_with(".gguf")) continue;
      most = std::max(most, parts[path.substr(0, path.find('/'))] += file.size_bytes);
    }
    return most;
  }
};

/// What can still be written to the disk that the folder will lie on.
std::uint64_t disk_free_at(fs::path folder) {
  std::error_code error;
  while (!fs::exists(folder, error) && folder != folder.parent_path())
    folder = folder.parent_path();
  const fs::space_info space = fs::space(folder, error);
  return error ? 0 : space.available;
}

Result<PullPlan> make_plan(const PullFlags& flags, const Config& config, hub::Hub& hub,
                           const std::stop_token& stop) {
  PullPlan plan{.wanted = TRY(find_wanted(flags.model))};
  plan.repository = TRY(hub.look_up(plan.wanted.repository, flags.revision, stop));
  plan.files = hub::files_of_model(plan.repository);
  const bool has_index = std::ranges::any_of(plan.files, [](const hub::HubFile& file) {
    return file.path == "model_index.json" || file.path == "modular_model_index.json";
  });
  if (!has_index) {
    return fail(ErrorCode::unprocessable,
                fmt::format("{}: has no model_index.json, so it is no diffusers folder; a single "
                            "file can be fetched by hand and named as a model's path",
                            plan.repository.name));
  }
  const fs::path parent =
      flags.dir.empty() ? fs::path(config.settings.data_dir) / "models" : fs::path(flags.dir);
  plan.folder = fs::absolute(parent) / plan.wanted.name;
  plan.standing = TRY(hub::look_at_folder(plan.folder, plan.repository, plan.files));
  plan.page = hub.page_of(plan.repository.name);
  plan.disk_free_bytes = disk_free_at(plan.folder);
  plan.machine = inspect_machine();
  return plan;
}

void say_plan(const PullPlan& plan) {
  const hub::Repository& repository = plan.repository;
  fmt::print(stderr, "{} at {} ({})\n", repository.name, repository.commit.substr(0, 12),
             plan.page);
  fmt::print(stderr, "licence  {}{}\n",
             repository.licence.empty() ? "the page says none" : repository.licence,
             repository.gated ? ", to be accepted on that page" : "");
  fmt::print(stderr, "files    {}, {:.2f} GB, of which {:.2f} GB are to be fetched\n",
             plan.files.size(), static_cast<double>(plan.standing.bytes_total) / kGb,
             static_cast<double>(plan.bytes_to_fetch()) / kGb);
  fmt::print(stderr, "disk     {:.2f} GB are free for {}\n",
             static_cast<double>(plan.disk_free_bytes) / kGb, plan.folder.string());
  const auto part = static_cast<double>(plan.largest_part_bytes());
  const auto memory = static_cast<double>(plan.machine.memory.free_bytes);
  fmt::print(stderr, "memory   the largest part has {:.2f} GB, {:.2f} of {:.2f} GB are free{}\n",
             part / kGb, memory / kGb, static_cast<double>(plan.machine.memory.total_bytes) / kGb,
             part <= memory ? "" : ": it will be read from the disk again in every step, slowly");
}

Result<void> check_disk(const PullPlan& plan, int keep_free_gb) {
  const auto keep = static_cast<double>(keep_free_gb) * kGb;
  const auto need = static_cast<double>(plan.bytes_to_fetch());
  if (need + keep <= static_cast<double>(plan.disk_free_bytes)) return {};
  return fail(ErrorCode::storage_full,
              fmt::format("{}: {:.2f} GB are to be fetched and {} GB kept free (--keep-free), but "
                          "{:.2f} GB are free; another disk can be named with --dir",
                          plan.folder.string(), need / kGb, keep_free_gb,
                          static_cast<double>(plan.disk_free_bytes) / kGb));
}

/// The lines that a configuration needs.
std::string config_lines(const PullPlan& plan) {
  const Wanted& wanted = plan.wanted;
  const bool bare = std::ranges::all_of(wanted.name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  // TOML's basic strings are written as those of JSON.
  std::string text =
      fmt::format("[models.{}]\npath = {}\n", bare ? wanted.name : JsonText(wanted.name).text(),
                  JsonText(plan.folder.string()).text());
  if (wanted.known != nullptr) {
    text += fmt::format("steps = {}\n", wanted.known->steps);
    if (wanted.known->guidance) text += fmt::format("guidance = {:.1f}\n", *wanted.known->guidance);
    if (wanted.known->steps > service::kStepsMaxDefault)
      text += fmt::format("steps_max = {}\n", wanted.known->steps);
  }
  return text;
}

void print_result(const PullPlan& plan, const PullFlags& flags) {
  if (flags.json) {
    JsonText files = JsonText::array();
    for (const hub::HubFile& file : plan.files)
      files.push(JsonText::object({{"path", file.path}, {"size_bytes", file.size_bytes}}));
    fmt::print("{}\n", JsonText::object({{"model", plan.wanted.name},
                                         {"repository", plan.repository.name},
                                         {"commit", plan.repository.commit},
                                         {"licence", plan.repository.licence},
                                         {"gated", plan.repository.gated},
                                         {"page", plan.page},
                                         {"folder", plan.folder.string()},
                                         {"dry_run", flags.dry_run},
                                         {"was_there", plan.standing.is_there},
                                         {"bytes_total", plan.standing.bytes_total},
                                         {"bytes_to_fetch", plan.bytes_to_fetch()},
                                         {"disk_free_bytes", plan.disk_free_bytes},
                                         {"memory_free_bytes", plan.machine.memory.free_bytes},
                                         {"files", files},
                                         {"config", config_lines(plan)}})
                           .text());
    return;
  }
  if (flags.dry_run) {
    for (const hub::HubFile& file : plan.files)
      fmt::print("{:>14}  {}\n", file.size_bytes, file.path);
    return;
  }
  fmt::print("{}", config_lines(plan));
  fmt::print(stderr,
             "These lines are for the configuration (imagined config init writes one). At once:\n"
             "  imagined generate \"a red house on the beach at sunset\" --model {} -o house.png\n",
             plan.folder.string());
}

Result<void> fetch_model(const PullPlan& plan, hub::Hub& hub, const std::stop_token& stop) {
  ProgressBar bar;
  const double begun_s = seconds_now();
  const auto show = [&](const hub::PullProgress& progress) {
    const std::uint64_t present = plan.standing.bytes_present;
    bar.draw(TransferState{
        .file = std::string(progress.file),
        .index = progress.index,
        .count = progress.count,
        .checking = progress.doing == hub::PullProgress::Doing::checking,
        .bytes_done = progress.bytes_done,
        .bytes_total = progress.bytes_total,
        .bytes_come = progress.bytes_done > present ? progress.bytes_done - present : 0,
        .elapsed_s = seconds_now() - begun_s});
  };
  return hub::pull(hub, plan.repository, plan.files,
                   {.folder = plan.folder, .progress = show, .stop = stop});
}

void say_what_is_kept(const PullPlan& plan) {
  const auto standing = hub::look_at_folder(plan.folder, plan.repository, plan.files);
  if (!standing || standing->bytes_present == 0) return;
  fmt::print(stderr, "  {:.2f} of {:.2f} GB are kept: the same command goes on from there.\n",
             static_cast<double>(standing->bytes_present) / kGb,
             static_cast<double>(standing->bytes_total) / kGb);
}

int pull_model(const PullFlags& flags) {
  const auto config = load_config(flags.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  const std::stop_token stop = stop_on_signals();
  auto to = hub_options();
  if (!to) return report(kExitConfig, to.error());
  hub::Hub hub(std::move(*to));
  const auto plan = make_plan(flags, *config, hub, stop);
  if (!plan) return report(plan.error());
  say_plan(*plan);
  if (plan->standing.is_there) {
    fmt::print(stderr, "{} is there already, whole\n", plan->folder.string());
  } else {
    if (const auto room = check_disk(*plan, flags.keep_free_gb); !room) return report(room.error());
    if (!flags.dry_run) {
      if (const auto done = fetch_model(*plan, hub, stop); !done) {
        report(done.error());
        say_what_is_kept(*plan);
        return exit_code(done.error().code);
      }
    }
  }
  print_result(*plan, flags);
  return kExitOk;
}

}  // namespace

Command pull_command() {
  const auto flags = std::make_shared<PullFlags>();
  Command command{"pull", "Fetch a model from the hub, to be resumed when it breaks off"};
  std::string names;
  for (const hub::KnownModel& known : hub::known_models())
    names += fmt::format("  {:<14}  {} ({})\n", known.name, known.repository, known.about);
  Allowed model{.value_name = "MODEL", .required = true};
  for (const hub::KnownModel& known : hub::known_models()) model.usual.emplace_back(known.name);
  command.options = {
      {"model", &flags->model, "A name below, or a repository OWNER/NAME", model},
      {"--dir",
       &flags->dir,
       "Where the model's folder is made; else models in the data folder",
       {.value_name = "FOLDER"}},
      {"--revision", &flags->revision, "Branch, tag or commit"},
      {"--keep-free", &flags->keep_free_gb, "GB of the disk that must stay free", {.min = 0}},
      {"--dry-run", &flags->dry_run, "Say what would be fetched, and whether there is room"},
      {"--json", &flags->json, kJsonHelp}};
  add_config_options(command, flags->flags, {"data_dir", "log_level"});
  command.footer =
      "Models:\n" + names +
      "The environment: HF_TOKEN (or what `hf auth login` left) for models whose licence must be "
      "accepted;\nHF_ENDPOINT for a mirror; https_proxy and no_proxy. Every file is compared with "
      "the hub's checksum,\nand the folder gets its name when all are right.";
  command.run = [flags] { return pull_model(*flags); };
  return command;
}

}  // namespace imagined::cli
