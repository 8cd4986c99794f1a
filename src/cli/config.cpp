// imagined config check|show
#include <fmt/core.h>

#include <cstdio>

#include "api/http/forwarded.h"
#include "api/http/server.h"
#include "cli/checks.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/wiring.h"
#include "config/listen_address.h"
#include "config/moderation.h"
#include "config/toml_text.h"

namespace imagined::cli {
namespace {

struct ConfigOptions {
  ConfigFlags flags;
  std::string file = "imagined.toml";
};

int check(const ConfigOptions& options) {
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  std::vector<std::string> problems;
  const auto add = [&](std::optional<std::string> problem) {
    if (problem) problems.push_back(std::move(*problem));
  };
  if (const auto catalogue = make_catalogue(*config); !catalogue) {
    problems.push_back(catalogue.error().message);
  }
  if (const auto policy = admission_policy(config->settings); !policy) {
    problems.push_back(policy.error().message);
  }
  if (const auto moderation = config::load_moderation(config->settings.moderation_file);
      !moderation) {
    problems.push_back(moderation.error().message);
  }
  if (const auto classifier = make_classifier(config->settings); !classifier) {
    problems.push_back(classifier.error().message);
  }
  if (const auto web = open_web(config->settings); !web) problems.push_back(web.error().message);
  for (const ModelSettings& model : config->models) add(model_problem(*config, model));
  const config::Environment environment = process_environment();
  for (const config::UpstreamSettings& upstream : config->upstreams)
    add(upstream_problem(upstream, environment));
  add(data_dir_problem(config->settings.data_dir));
  add(data_dir_use_problem(config->settings.data_dir));
  if (const auto proxies = api::ProxyList::parse(config->settings.trusted_proxies); !proxies) {
    problems.push_back(proxies.error().message);
  }
  if (const auto certificate = api::check_certificate(config->settings.tls_certificate_file,
                                                      config->settings.tls_key_file);
      !certificate) {
    problems.push_back(certificate.error().message);
  }
  if (const auto address = config::parse_listen_address(config->settings.http_listen)) {
    add(address_problem("http_listen", *address));
  }
  if (const auto address = config::parse_grpc_listen(config->settings.grpc_listen);
      address && *address) {
    add(address_problem("grpc_listen", **address));
  }
  add(descriptor_problem(raise_descriptor_limit(), config->settings.connections_max));
  for (const std::string& problem : problems) {
    report(kExitConfig, Error{.code = ErrorCode::invalid_argument, .message = problem});
  }
  if (!problems.empty()) return kExitConfig;
  fmt::print("the configuration is right{}\n",
             config->file.empty() ? "" : fmt::format(" ({})", config->file));
  return kExitOk;
}

// The file of a person who wants to change something: every setting and its default, as comments.
int init(const ConfigOptions& options) {
  const std::filesystem::path path = options.file;
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    return report(kExitNoOutput,
                  Error{.message = fmt::format("{}: is there already", path.string())});
  }
  const std::string text = config::example_toml();
  const auto written =
      write_file(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  if (!written) return report(written.error());
  fmt::print("{}\n", path.string());
  return kExitOk;
}

int show(const ConfigOptions& options) {
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  if (!config->file.empty()) fmt::print("# read: {}\n", config->file);
  fmt::print("{}", to_toml(*config, config::Remarks::all));
  return kExitOk;
}

}  // namespace

Command config_command() {
  const auto options = std::make_shared<ConfigOptions>();
  const auto part = [&](const char* name, const char* help, int (*work)(const ConfigOptions&)) {
    Command command{name, help};
    command.run = [options, work] { return work(*options); };
    return command;
  };
  Command checking =
      part("check", "Say all that would keep the server from starting with it", check);
  Command showing = part("show", "Print it as TOML, with the source of each value", show);
  for (Command* command : {&checking, &showing}) add_config_options(*command, options->flags);
  Command making = part("init", "Write a file with every setting as a comment", init);
  making.options = {{"file", &options->file, "File to write, which must not be there"}};
  Command config{"config", "Make, check or show the configuration"};
  config.footer =
      "Settings come from defaults, then the file, then IMAGINED_* variables, then flags; the last "
      "wins.\nThe file is that of --config, of IMAGINED_CONFIG, "
      "~/.config/imagined/imagined.toml or\n/etc/imagined/imagined.toml; a relative path in it is "
      "meant from where it is.\nSecrets are files in the data folder and no settings, so `show` "
      "prints "
      "none.\n"
      "Example:\n  imagined config init && imagined config check --config imagined.toml";
  config.commands = {std::move(making), std::move(checking), std::move(showing)};
  return config;
}

}  // namespace imagined::cli
