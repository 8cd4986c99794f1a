// What the commands on keys share: how they run, show keys and ask for them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json_text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/wiring.h"
#include "service/accounts/api_key.h"

namespace imagined::cli {

/// Whom the audit names.
inline const service::Actor kAtCommandLine = {.name = "command line"};

struct KeyOptions {
  ConfigFlags flags;
  std::string id;
  std::string name = "default";
  std::string team{service::kDefaultTeam};
  std::string only_team;  // of a list; empty: of all teams
  bool create = false;    // the data folder too
  bool yes = false;
  bool json = false;
};

/// A command with the options `own` and those that all on keys have, which does its work on the
/// stores of the server.
Command key_command(const char* name, const char* help, std::vector<Option> own,
                    std::shared_ptr<KeyOptions> options,
                    std::function<Result<int>(const Config&, Stores&)> work);

/// Of the commands that make keys.
inline Option team_option(KeyOptions& options) {
  return {"--team", &options.team, "Whose it is; a new name is a new team"};
}

/// Of the commands that list them.
inline Option only_team_option(KeyOptions& options) {
  return {"--team", &options.only_team, "Those of this team alone"};
}

/// A key without its secret.
JsonText to_json(const service::ApiKey& key);

/// Those of customers, or of people, that are not deleted; of all teams, or of one.
enum class Holder : std::uint8_t { customer, person };
std::vector<service::ApiKey> keys_of(Holder holder, std::vector<service::ApiKey> keys,
                                     std::string_view team = {});

/// "2026-11-28 17:05" in UTC.
std::string day_and_time(std::int64_t unix_ms, const char* if_none);

/// Of a public id or a whole key, whichever is at hand.
std::string id_of(const std::string& text);

/// The id of a key that there is or was, of a public id or a whole key; "" of "". `not_found` says
/// how keys are listed.
Result<std::string> known_key(Stores& stores, const std::string& text);
/// `not_found` for the name of a team that nobody has or had a key of; it names those that there
/// are. "" is all teams.
Result<void> check_team(Stores& stores, const std::string& name);

/// Asks who types at a terminal whether something is to be deleted; a script has meant it.
bool is_meant(const std::string& question);

inline std::string delete_question(const std::string& key_id) {
  return "Delete the key " + key_id + "? Whoever uses it is refused at once.";
}

/// Prints a key that was made just now, this once. `good_for` is the folder of its server.
void print_new_key(const service::NewKey& made, bool as_json, const std::string& good_for);

}  // namespace imagined::cli
