#include "cli/key_command.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <set>
#include <utility>

#include "base/words.h"
#include "cli/exit_code.h"
#include "cli/process.h"
#include "service/billing/money.h"

namespace imagined::cli {
namespace {

JsonText seconds_or_null(std::int64_t unix_ms) {
  return unix_ms == 0 ? JsonText() : JsonText(unix_ms / 1000);
}

int open_and_run(const KeyOptions& options,
                 const std::function<Result<int>(const Config&, Stores&)>& work) {
  prepare_to_serve();
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  const auto stores =
      Stores::open(config->settings, options.create ? StoreUser::maker : StoreUser::command);
  if (!stores) return report(stores.error());
  const auto status = work(*config, **stores);
  return status ? *status : report(status.error());
}

}  // namespace

Command key_command(const char* name, const char* help, std::vector<Option> own,
                    std::shared_ptr<KeyOptions> options,
                    std::function<Result<int>(const Config&, Stores&)> work) {
  Command command{name, help, std::move(own)};
  command.options.push_back({"--json", &options->json, kJsonHelp});
  add_config_options(command, options->flags, {"data_dir", "key_prefix", "log_level"});
  command.run = [options = std::move(options), work = std::move(work)] {
    return open_and_run(*options, work);
  };
  return command;
}

std::vector<service::ApiKey> keys_of(Holder holder, std::vector<service::ApiKey> keys,
                                     std::string_view team) {
  std::erase_if(keys, [&](const service::ApiKey& key) {
    const bool is_of_another = !team.empty() && key.team_id != team;
    return key.role.has_value() != (holder == Holder::person) || key.revoked_ms > 0 ||
           is_of_another;
  });
  return keys;
}

std::string day_and_time(std::int64_t unix_ms, const char* if_none) {
  if (unix_ms == 0) return if_none;
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
}

JsonText to_json(const service::ApiKey& key) {
  JsonText limits = JsonText::object();
  const auto add = [&limits](const char* name, const std::optional<std::int64_t>& value) {
    if (value) limits.add(name, *value);
  };
  add("per_second", key.allowance.per_second);
  add("per_minute", key.allowance.per_minute);
  add("in_flight", key.allowance.in_flight);
  add("pictures_per_day", key.allowance.pictures_per_day);
  add("pictures_per_month", key.allowance.pictures_per_month);
  if (key.allowance.usd_ticks_per_day)
    limits.add("usd_per_day", service::format_usd(*key.allowance.usd_ticks_per_day));
  if (key.allowance.usd_ticks_per_month)
    limits.add("usd_per_month", service::format_usd(*key.allowance.usd_ticks_per_month));
  JsonText value = JsonText::object({{"id", key.id},
                                     {"name", key.name},
                                     {"last4", key.last4},
                                     {"team", key.team_id},
                                     {"state", to_string(state_at(key, SystemClock().unix_ms()))},
                                     {"scopes", key.scopes.text()},
                                     {"models", JsonText::array_of(key.models)},
                                     {"limits", limits},
                                     {"cache", key.uses_cache},
                                     {"metadata", !key.unlabelled},
                                     {"created", key.created_ms / 1000},
                                     {"modified", seconds_or_null(key.modified_ms)},
                                     {"not_before", seconds_or_null(key.not_before_ms)},
                                     {"expires", seconds_or_null(key.expires_ms)},
                                     {"revoked", seconds_or_null(key.revoked_ms)},
                                     {"last_used", seconds_or_null(key.last_used_ms)},
                                     {"disabled", key.disabled}});
  if (key.asked.is_open()) {
    JsonText asked =
        JsonText::object({{"reason", key.asked.reason}, {"at", key.asked.at_ms / 1000}});
    if (key.asked.per_second) asked.add("per_second", *key.asked.per_second);
    if (key.asked.per_minute) asked.add("per_minute", *key.asked.per_minute);
    value.add("asked", asked);
  }
  if (key.role) value.add("role", to_string(*key.role));
  return value;
}

std::string id_of(const std::string& text) {
  const auto begin = text.find('_');
  const auto end = begin == std::string::npos ? begin : text.find('_', begin + 1);
  return end == std::string::npos ? text : text.substr(begin + 1, end - begin - 1);
}

Result<std::string> known_key(Stores& stores, const std::string& text) {
  if (text.empty()) return text;
  auto key = stores.keys().find(id_of(text));
  if (key) return key->id;
  if (key.error().code == ErrorCode::not_found)
    key.error().message += ": imagined keys list shows those that there are";
  return tl::unexpected(std::move(key.error()));
}

Result<void> check_team(Stores& stores, const std::string& name) {
  std::set<std::string> teams = {std::string(service::kDefaultTeam)};
  for (const service::ApiKey& key : TRY(stores.keys().list())) teams.insert(key.team_id);
  if (name.empty() || teams.contains(name)) return {};
  constexpr std::size_t kNamed = 10;
  const bool are_few = teams.size() <= kNamed;
  return fail(ErrorCode::not_found,
              fmt::format("there is no team {:?}{}", name,
                          are_few ? "; there are: " + join_words(teams, ", ")
                                  : std::string(": imagined keys list shows whose keys there are")),
              "team");
}

bool is_meant(const std::string& question) {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) return true;
  fmt::print(stderr, "{} [y/N] ", question);
  std::fflush(stderr);
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

void print_new_key(const service::NewKey& made, bool as_json, const std::string& good_for) {
  if (as_json) {
    fmt::print("{}\n", to_json(made.row).add("key", made.secret).text());
    return;
  }
  fmt::print("{}\n", made.secret);
  fmt::print(stderr, "This is the only time the key is shown. It is good for {}\n", good_for);
}

}  // namespace imagined::cli
