// The whole configuration, from its four sources: defaults < file < environment < flags.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/models.h"
#include "config/settings.h"
#include "config/upstreams.h"

namespace imagined::config {

/// What the command line says about the configuration.
struct ConfigFlags {
  std::string file;                           // --config; empty: IMAGINED_CONFIG, or none
  std::map<std::string, std::string> values;  // setting name to text
  std::vector<std::string> assignments;       // --set models.NAME.KEY=VALUE
};

struct Config {
  Settings settings;
  std::vector<ModelSettings> models;
  std::vector<UpstreamSettings> upstreams;
  std::vector<ChatSettings> chats;
  std::map<std::string, std::string, std::less<>> sources;  // setting name to where it was set
  std::string file;                                         // that was read; empty: none
  std::vector<std::string> warnings;                        // what is probably not meant
};

/// The variables of a process, by name.
using Environment = std::map<std::string, std::string, std::less<>>;

/// Without a file on the command line or in IMAGINED_CONFIG, that of $XDG_CONFIG_HOME (or
/// ~/.config) and then of /etc, imagined/imagined.toml, is read if it is there.
/// Errors are `invalid_argument` or `not_found` (the file) and say where: "imagined.toml:7: ...",
/// "IMAGINED_THREADS: ...", "--threads: ..."; all that is wrong, one line each.
Result<Config> load_config(const ConfigFlags& flags, const Environment& environment);

/// Replaces what is empty by what it stands for, and relative paths by absolute ones: the data
/// folder (`failed_precondition` when there is no HOME for it) and the path of each model.
/// `executable` is where the built-in model is looked for: `not_found`, field "models_dir", when a
/// model needs it and it is not there.
Result<void> resolve_paths(const Environment& environment, const std::filesystem::path& executable,
                           Config& config);

/// The catalogue that the domain works with. Every model must have its path.
Result<service::Catalogue> make_catalogue(const Config& config, const CardOf& card_of = {});

/// "127.0.0.1:8080", "[::1]:0"; an error names the setting that says so.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};
Result<ListenAddress> parse_listen_address(std::string_view text,
                                           std::string_view setting = "http_listen");

/// `grpc_listen`; none when it is "off".
Result<std::optional<ListenAddress>> parse_grpc_listen(std::string_view text);

/// The configuration as a file that has the same effect: what `config show` prints and what the
/// server hands to its worker. With `remarks` each setting says what it is and where it was set.
enum class Remarks : std::uint8_t { none, all };
std::string to_toml(const Config& config, Remarks remarks);

/// A file to begin with: every setting and the built-in models at their defaults, as comments.
std::string example_toml();

}  // namespace imagined::config
