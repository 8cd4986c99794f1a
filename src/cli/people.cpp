// imagined people: who looks after the keys of a server, each with a management key.
#include <fmt/core.h>

#include <cstdio>

#include "base/json_text.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/key_command.h"
#include "cli/options.h"
#include "cli/wiring.h"

namespace imagined::cli {
namespace {

using service::ApiKey;

struct PeopleOptions : KeyOptions {
  std::string role;
};

struct PeopleSession {
  const PeopleOptions& options;
  const Config& config;
  Stores& stores;
};
using PeopleWork = Result<int> (*)(const PeopleSession&);

Result<int> create(const PeopleSession& session) {
  const service::Role role = TRY(service::parse_role(session.options.role));
  const auto made =
      TRY(session.stores.keys().create(kAtCommandLine, {.name = session.options.name},
                                       {.team_id = session.options.team, .role = role}));
  print_new_key(made, session.options.json, session.config.settings.data_dir);
  return kExitOk;
}

Result<int> list(const PeopleSession& session) {
  TRY(check_team(session.stores, session.options.only_team));
  const std::vector<ApiKey> people =
      keys_of(Holder::person, TRY(session.stores.keys().list()), session.options.only_team);
  if (session.options.json) {
    JsonText items = JsonText::array();
    for (const ApiKey& key : people) items.push(to_json(key));
    fmt::print("{}\n", JsonText::object({{"people", items}}).text());
    return kExitOk;
  }
  const std::int64_t now_ms = SystemClock().unix_ms();
  fmt::print("{:<12}  {:<20}  {:<12}  {:<8}  {:<14}  {:<16}  {}\n", "ID", "NAME", "TEAM", "ROLE",
             "STATE", "CREATED (UTC)", "LAST USED (UTC)");
  for (const ApiKey& key : people) {
    fmt::print("{:<12}  {:<20}  {:<12}  {:<8}  {:<14}  {:<16}  {}\n", key.id, key.name, key.team_id,
               to_string(*key.role), to_string(state_at(key, now_ms)),
               day_and_time(key.created_ms, ""), day_and_time(key.last_used_ms, "never"));
  }
  return kExitOk;
}

Result<int> remove(const PeopleSession& session) {
  const std::string id = id_of(session.options.id);
  const auto key = session.stores.keys().find(id);
  if (!key && key.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, fmt::format("there is no person {:?}", id));
  if (!key) return tl::unexpected(key.error());
  if (!key->role)
    return fail(ErrorCode::not_found, "this is the key of a customer: imagined keys delete");
  if (!session.options.yes && !is_meant(delete_question(id))) return kExitFailure;
  TRY(session.stores.keys().revoke(kAtCommandLine, id));
  if (session.options.json) {
    fmt::print("{}\n", JsonText::object({{"id", id}, {"deleted", true}}).text());
  } else {
    fmt::print("deleted {}\n", id);
  }
  return kExitOk;
}

}  // namespace

Command people_command() {
  const auto options = std::make_shared<PeopleOptions>();
  const auto part = [&](const char* name, const char* help, PeopleWork work,
                        std::vector<Option> own) {
    return key_command(name, help, std::move(own), options,
                       [options, work](const Config& config, Stores& stores) {
                         return work({*options, config, stores});
                       });
  };
  Command people{"people", "Make, show and remove people who look after keys"};
  people.footer =
      "A person has a management key, which makes no pictures. A member sees the keys of its "
      "team,\n"
      "an admin makes and changes them, an owner reads the audit log too (docs/operations.md).\n"
      "Examples:\n"
      "  imagined people create --name ann --role owner --json\n"
      "  imagined people delete Ab3dE6gH9jKl";
  people.commands = {
      part("create", "Make a person and print the management key, this once", create,
           {{"--name", &options->name, "Who it is"},
            team_option(*options),
            {"--role",
             &options->role,
             "What the person may do",
             {.choices = {"member", "admin", "owner"}, .required = true}},
            {"--create", &options->create, "Make the data folder too, when it is not there"}}),
      part("list", "List people, without their keys", list, {only_team_option(*options)}),
      part("delete", "Revoke a person's key for ever", remove,
           {{"id", &options->id, "The person's id, or the key itself", {.required = true}},
            {"--yes", &options->yes, "Do not ask"}})};
  return people;
}

}  // namespace imagined::cli
