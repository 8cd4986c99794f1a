// The whole configuration, from its four sources: defaults < file < environment < flags.
#pragma once

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

/// The catalogue that the domain works with. Every model must have its path.
Result<service::Catalogue> make_catalogue(const Config& config, const CardOf& card_of = {});

}  // namespace imagined::config
