// imagined keys: makes, shows and changes API keys; works with and without a running server, which
// sees a change with the next request.
#include <fmt/core.h>

#include <cstdio>
#include <map>

#include "base/json_text.h"
#include "base/timestamp.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/key_command.h"
#include "cli/options.h"
#include "cli/wiring.h"
#include "service/billing/money.h"

namespace imagined::cli {
namespace {

using service::ApiKey;
using service::NewKey;

struct KeysOptions : KeyOptions {
  // create
  std::string scopes = "all";
  std::string models;
  bool cache = false;
  bool no_metadata = false;
  std::string not_before;
  std::string expires;
  std::optional<std::uint64_t> per_second;
  std::optional<std::uint64_t> per_minute;
  std::optional<std::uint64_t> in_flight;
  std::optional<std::uint64_t> pictures_per_day;
  std::optional<std::uint64_t> pictures_per_month;
  std::string usd_per_day;
  std::string usd_per_month;
  // rotate
  std::string overlap = "24h";
};

// One run of a command.
struct KeysSession {
  const KeysOptions& options;
  const Config& config;
  Stores& stores;
};
using KeysWork = Result<int> (*)(const KeysSession&);

int print_new(const KeysSession& session, const NewKey& made) {
  print_new_key(made, session.options.json, session.config.settings.data_dir);
  return kExitOk;
}

int print_changed(const KeysSession& session, const ApiKey& key, std::string_view what) {
  if (session.options.json) {
    fmt::print("{}\n", to_json(key).text());
  } else {
    fmt::print("{} {}\n", what, key.id);
  }
  return kExitOk;
}

// The server may have been given a file that this command was not.
Error with_its_configuration(Error error, const Config& config) {
  if (error.code == ErrorCode::not_found)
    error.message += config.file.empty()
                         ? "; no configuration file was read: if the server has one, give it with "
                           "--config FILE"
                         : fmt::format(
                               "; that is by {}: if the server has another configuration "
                               "file, give it with --config FILE",
                               config.file);
  return error;
}

// Ids, whichever of its names a model is given by.
Result<std::vector<std::string>> model_ids(const Config& config, std::string_view names) {
  if (names.empty()) return std::vector<std::string>();
  const service::Catalogue catalogue = TRY(config::make_catalogue(config));
  std::vector<std::string> ids;
  for (const std::string& name : split_words(names)) {
    auto id = catalogue.id_of(name);
    if (!id) return tl::unexpected(with_its_configuration(std::move(id.error()), config));
    ids.push_back(std::move(*id));
  }
  return ids;
}

std::optional<std::int64_t> number_of(const std::optional<std::uint64_t>& value) {
  if (!value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

Result<service::KeyWish> wish_of(const KeysSession& session) {
  const KeysOptions& options = session.options;
  const std::int64_t now_ms = SystemClock().unix_ms();
  service::KeyWish wish{.name = options.name, .scopes = TRY(service::parse_scopes(options.scopes))};
  wish.models = TRY(model_ids(session.config, options.models));
  wish.uses_cache = options.cache;
  wish.unlabelled = options.no_metadata;
  if (!options.not_before.empty())
    wish.not_before_ms = TRY(parse_when(options.not_before, now_ms, "not_before"));
  if (!options.expires.empty())
    wish.expires_ms = TRY(parse_when(options.expires, now_ms, "expires"));
  wish.allowance = {.per_second = number_of(options.per_second),
                    .per_minute = number_of(options.per_minute),
                    .in_flight = number_of(options.in_flight),
                    .pictures_per_day = number_of(options.pictures_per_day),
                    .pictures_per_month = number_of(options.pictures_per_month)};
  if (!options.usd_per_day.empty())
    wish.allowance.usd_ticks_per_day = TRY(service::parse_usd(options.usd_per_day, "usd_per_day"));
  if (!options.usd_per_month.empty())
    wish.allowance.usd_ticks_per_month =
        TRY(service::parse_usd(options.usd_per_month, "usd_per_month"));
  return wish;
}

Result<int> create(const KeysSession& session) {
  const service::KeyWish wish = TRY(wish_of(session));
  return print_new(session, TRY(session.stores.keys().create(kAtCommandLine, wish,
                                                             {.team_id = session.options.team})));
}

// By key id: how many pictures were delivered to each and paid for.
Result<std::map<std::string, std::int64_t>> pictures_made(Stores& stores) {
  std::map<std::string, std::int64_t> made;
  for (const service::UsageRow& row : TRY(stores.ledger().usage({})))
    made[row.key_id] += row.pictures;
  return made;
}

Result<int> list(const KeysSession& session) {
  TRY(check_team(session.stores, session.options.only_team));
  const std::vector<ApiKey> rows =
      keys_of(Holder::customer, TRY(session.stores.keys().list()), session.options.only_team);
  std::map<std::string, std::int64_t> made = TRY(pictures_made(session.stores));
  if (session.options.json) {
    JsonText items = JsonText::array();
    for (const ApiKey& key : rows) items.push(to_json(key).add("pictures", made[key.id]));
    fmt::print("{}\n", JsonText::object({{"keys", items}}).text());
    return kExitOk;
  }
  const std::string& team = session.options.only_team;
  if (rows.empty())
    fmt::print(stderr, "no keys yet{}: imagined keys create --name NAME{}\n",
               team.empty() ? "" : " of this team", team.empty() ? "" : " --team " + team);
  const std::int64_t now_ms = SystemClock().unix_ms();
  fmt::print("{:<12}  {:<20}  {:<12}  {:<7}  {:<14}  {:<16}  {:<16}  {}\n", "ID", "NAME", "TEAM",
             "ENDS IN", "STATE", "CREATED (UTC)", "LAST USED (UTC)", "PICTURES");
  for (const ApiKey& key : rows) {
    fmt::print("{:<12}  {:<20}  {:<12}  {:<7}  {:<14}  {:<16}  {:<16}  {}\n", key.id, key.name,
               key.team_id, key.last4, to_string(state_at(key, now_ms)),
               day_and_time(key.created_ms, ""), day_and_time(key.last_used_ms, "never"),
               made[key.id]);
  }
  return kExitOk;
}

// With what it has ordered in the running day and month.
Result<int> show(const KeysSession& session) {
  const ApiKey key = TRY(session.stores.keys().find(id_of(session.options.id)));
  JsonText spending = JsonText::object();
  for (const auto& [name, period] : {std::pair("day", service::QuotaPeriod::day),
                                     std::pair("month", service::QuotaPeriod::month)}) {
    const service::Amount spent = TRY(session.stores.ledger().spent("key:" + key.id, period));
    spending.add(name, JsonText::object({{"pictures", spent.pictures},
                                         {"usd", service::format_usd(spent.usd_ticks)}}));
  }
  const JsonText value = to_json(key).add("spent", spending);
  fmt::print("{}\n", session.options.json ? value.text() : value.indented());
  return kExitOk;
}

Result<int> rotate(const KeysSession& session) {
  const std::int64_t overlap_ms = TRY(parse_span(session.options.overlap, "overlap"));
  return print_new(session, TRY(session.stores.keys().rotate(
                                kAtCommandLine, id_of(session.options.id), overlap_ms)));
}

Result<int> set_disabled(const KeysSession& session, bool disabled) {
  const std::string id = id_of(session.options.id);
  return print_changed(session,
                       TRY(session.stores.keys().set_disabled(kAtCommandLine, id, disabled)),
                       disabled ? "disabled" : "enabled");
}
Result<int> disable(const KeysSession& session) { return set_disabled(session, true); }
Result<int> enable(const KeysSession& session) { return set_disabled(session, false); }

Result<int> decide(const KeysSession& session, bool granted) {
  const std::string id = id_of(session.options.id);
  return print_changed(session,
                       TRY(session.stores.keys().decide_capacity(kAtCommandLine, id, granted)),
                       granted ? "granted" : "denied");
}
Result<int> grant(const KeysSession& session) { return decide(session, true); }
Result<int> deny(const KeysSession& session) { return decide(session, false); }

Result<int> remove(const KeysSession& session) {
  const std::string id = id_of(session.options.id);
  if (!session.options.yes && !is_meant(delete_question(id))) return kExitFailure;
  const ApiKey key = TRY(session.stores.keys().revoke(kAtCommandLine, id));
  if (!session.options.json) return print_changed(session, key, "deleted");
  fmt::print("{}\n", JsonText::object({{"id", key.id}, {"deleted", true}}).text());
  return kExitOk;
}

void print_event(const KeysSession& session, const service::AuditEvent& event) {
  if (session.options.json) {
    const JsonText value = JsonText::object({{"sequence", event.sequence},
                                             {"time", to_timestamp(event.at_ms)},
                                             {"actor", event.deed.actor},
                                             {"action", event.deed.action},
                                             {"target", event.deed.target},
                                             {"team", event.deed.team_id},
                                             {"detail", event.deed.detail},
                                             {"request_id", event.deed.request_id},
                                             {"hash", event.hash}});
    fmt::print("{}\n", value.text());
    return;
  }
  fmt::print("{:>6}  {}  {:<20}  {:<12}  {:<18}  {}\n", event.sequence, to_timestamp(event.at_ms),
             event.deed.actor, event.deed.action, event.deed.target, event.deed.detail);
}

// The whole log, one line a deed, and whether it is as it was written.
Result<int> audit(const KeysSession& session) {
  service::KeyStore& store = session.stores.key_store();
  constexpr int kPage = 1000;
  std::int64_t next = 1;
  while (true) {
    const std::vector<service::AuditEvent> events = TRY(store.audit(next, kPage));
    for (const service::AuditEvent& event : events) print_event(session, event);
    if (events.size() < kPage) break;
    next = events.back().sequence + 1;
  }
  const std::int64_t first_bad = TRY(store.verify_audit());
  if (first_bad == 0) return kExitOk;
  return fail(ErrorCode::data_loss,
              fmt::format("the audit log is not as it was written from row {} on", first_bad));
}

}  // namespace

Command keys_command() {
  const auto options = std::make_shared<KeysOptions>();
  const auto part = [&](const char* name, const char* help, KeysWork work,
                        std::vector<Option> own) {
    return key_command(name, help, std::move(own), options,
                       [options, work](const Config& config, Stores& stores) {
                         return work({*options, config, stores});
                       });
  };
  const auto id = [&] {
    return Option{"id", &options->id, "The key's id, or the key itself", {.required = true}};
  };
  const Allowed when{.value_name = "WHEN"};
  const Allowed usd{.value_name = "USD"};
  const Allowed count{.min = 1, .max = 1e12};
  Command keys{"keys", "Make, show and change API keys"};
  keys.footer =
      "Works while the server runs, which sees a change with the next request.\n"
      "WHEN is a time (2026-12-31T23:59:59Z) or a span from now on (10s, 5m, 2h, 30d).\n"
      "Examples:\n"
      "  imagined keys create --name laptop --json\n"
      "  imagined keys create --name demo --scopes image:generate --expires 7d --usd-per-day 1\n"
      "  imagined keys rotate Ab3dE6gH9jKl --overlap 2h\n"
      "  imagined keys delete Ab3dE6gH9jKl";
  keys.commands = {
      part("create", "Make a key and print it, this once", create,
           {{"--name", &options->name, "What the key is for"},
            team_option(*options),
            {"--create", &options->create, "Make the data folder too, when it is not there"},
            {"--scopes",
             &options->scopes,
             "What it may do: all, or image:generate, image:edit, video:generate, files, "
             "models:read",
             {.usual = {"all", "image:generate", "image:edit", "video:generate", "files",
                        "models:read"}}},
            {"--models", &options->models, "Models that it may use, with commas; all if not given"},
            {"--cache", &options->cache, "Give it pictures again that were made before"},
            {"--no-metadata", &options->no_metadata,
             "Its files say nothing of how their pictures were made"},
            {"--not-before", &options->not_before, "When it becomes active", when},
            {"--expires", &options->expires, "When it ends", when},
            {"--per-second", &options->per_second, "Requests a second for one model", count},
            {"--per-minute", &options->per_minute, "Requests a minute for one model", count},
            {"--in-flight", &options->in_flight, "Jobs at the same time", count},
            {"--pictures-per-day", &options->pictures_per_day, "Pictures a day (UTC)", count},
            {"--pictures-per-month", &options->pictures_per_month, "Pictures a month (UTC)", count},
            {"--usd-per-day", &options->usd_per_day, "Budget of a day (UTC)", usd},
            {"--usd-per-month", &options->usd_per_month, "Budget of a month (UTC)", usd}}),
      part("list", "List keys, without their secrets", list, {only_team_option(*options)}),
      part("show", "Show one key, without its secret", show, {id()}),
      part("rotate", "Give a key a new secret and print it, this once", rotate,
           {id(),
            {"--overlap",
             &options->overlap,
             "How long the old secret stays good, at most 7d",
             {.value_name = "SPAN"}}}),
      part("disable", "Refuse a key until it is enabled", disable, {id()}),
      part("enable", "Accept a disabled key again", enable, {id()}),
      part("grant", "Give a key the capacity that it asks for", grant, {id()}),
      part("deny", "Give a key nothing of the capacity that it asks for", deny, {id()}),
      part("delete", "Revoke a key for ever", remove,
           {id(), {"--yes", &options->yes, "Do not ask"}}),
      part("audit", "Show what was done to keys, and check that the log is whole", audit, {})};
  return keys;
}

}  // namespace imagined::cli
