// imagined usage: what was ordered, delivered and paid, by day, key, model, user and outcome.
#include <fmt/format.h>

#include <cstdio>
#include <set>
#include <string_view>
#include <vector>

#include "api/wire/usage.h"
#include "base/json_text.h"
#include "base/nearest.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/key_command.h"
#include "cli/options.h"
#include "cli/wiring.h"
#include "service/billing/money.h"

namespace imagined::cli {
namespace {

using service::UsageRow;

struct UsageOptions {
  ConfigFlags flags;
  std::string team;
  std::string key;
  std::string user;
  std::string from;
  std::string until;
  bool json = false;
  bool csv = false;
  bool check = false;
};

std::string_view name_of(const UsageRow& row) { return service::row_of(row.outcome).name; }

// A customer's word, which may hold anything.
std::string user_of(const UsageRow& row) {
  return is_printable_line(row.user) ? row.user : fmt::format("{:?}", row.user);
}

void print_table(const std::vector<UsageRow>& rows) {
  fmt::print("{:<10}  {:<12}  {:<28}  {:<20}  {:<20}  {:>8}  {:>8}  {:>12}\n", "DAY (UTC)", "KEY",
             "MODEL", "USER", "OUTCOME", "REQUESTS", "PICTURES", "USD");
  std::int64_t requests = 0;
  std::int64_t pictures = 0;
  std::int64_t usd_ticks = 0;
  for (const UsageRow& row : rows) {
    fmt::print("{:<10}  {:<12}  {:<28}  {:<20}  {:<20}  {:>8}  {:>8}  {:>12}\n", row.day,
               row.key_id, row.model, user_of(row), name_of(row), row.requests, row.pictures,
               service::format_usd(row.usd_ticks));
    requests += row.requests;
    pictures += row.pictures;
    usd_ticks = service::sum_of(usd_ticks, row.usd_ticks);
  }
  fmt::print("{:<100}  {:>8}  {:>8}  {:>12}\n", "all", requests, pictures,
             service::format_usd(usd_ticks));
}

Result<service::UsageFilter> filter_of(const UsageOptions& options) {
  service::UsageFilter filter{.team_id = options.team, .user = options.user};
  const Period period = TRY(parse_period(options.from, options.until));
  filter.from_ms = period.from_ms;
  filter.until_ms = period.until_ms;
  return filter;
}

// The balances, and whether the books are right.
int check_books(const UsageOptions& options, service::LedgerStore& ledger) {
  const auto balances = ledger.balances();
  if (!balances) return report(balances.error());
  const auto audit = ledger.audit();
  if (!audit) return report(audit.error());
  const bool is_right = *audit == service::LedgerAudit();
  if (options.json) {
    JsonText accounts = JsonText::object();
    for (const auto& [account, usd_ticks] : *balances)
      accounts.add(account, service::format_usd(usd_ticks));
    fmt::print("{}\n", JsonText::object({{"right", is_right}, {"balances", accounts}}).text());
  } else {
    for (const auto& [account, usd_ticks] : *balances)
      fmt::print("{:<40}  {:>16}\n", account, service::format_usd(usd_ticks));
  }
  if (is_right) return kExitOk;
  return report(Error{
      ErrorCode::data_loss,
      fmt::format("the books are wrong: the sum of all accounts is {} USD, {} balances are not the "
                  "sum of their entries, {} teams hold something else than their open charges, {} "
                  "charges do not fit their entries",
                  service::format_usd(audit->sum_usd_ticks), audit->wrong_balances,
                  audit->wrong_holds, audit->wrong_charges)});
}

/// Users are whatever word requests give, and nobody keeps a list of them: one that was mistyped is
/// known only by what the books have of none of its orders.
void look_for_user(const UsageOptions& options, service::LedgerStore& ledger) {
  if (const auto rows = ledger.usage({.user = options.user, .rows_max = 1});
      !rows || !rows->empty())
    return;
  const auto all = ledger.usage({.team_id = options.team});
  std::set<std::string> users;
  if (all)
    for (const UsageRow& row : *all)
      if (is_printable_line(row.user)) users.insert(row.user);
  users.erase("");
  const std::vector<std::string_view> names(users.begin(), users.end());
  fmt::print(
      stderr,
      "imagined: no order of the user {:?} has ended yet; a user is whatever a request gives "
      "as its `user`{}\n",
      options.user, did_you_mean(options.user, names));
}

int usage(const UsageOptions& options) {
  auto filter = filter_of(options);
  if (!filter) return report(kExitUsage, filter.error());
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  const auto stores = Stores::open(config->settings, StoreUser::command);
  if (!stores) return report(stores.error());
  if (options.check) return check_books(options, (*stores)->ledger());
  // A sum of nothing would be taken for the truth about a name that was mistyped.
  if (const auto known = check_team(**stores, options.team); !known) return report(known.error());
  auto key = known_key(**stores, options.key);
  if (!key) return report(key.error());
  filter->key_id = std::move(*key);
  const auto rows = (*stores)->ledger().usage(*filter);
  if (!rows) return report(rows.error());
  if (rows->empty() && !options.user.empty()) look_for_user(options, (*stores)->ledger());
  if (options.json) {
    fmt::print("{}\n", api::wire::usage_body(*rows));
  } else if (options.csv) {
    fmt::print("{}", api::wire::usage_csv(*rows));
  } else {
    print_table(*rows);
  }
  return kExitOk;
}

}  // namespace

Command usage_command() {
  const auto options = std::make_shared<UsageOptions>();
  const Allowed time{.value_name = "TIME"};
  Command command{"usage",
                  "Show what was ordered, delivered and paid",
                  {{"--from", &options->from, "Orders from this day or time on (UTC)", time},
                   {"--until", &options->until, "Orders before this day or time (UTC)", time},
                   {"--team", &options->team, "Orders of this team alone"},
                   {"--key", &options->key, "Orders of the key with this id"},
                   {"--user", &options->user, "Orders for this end user"},
                   {"--check", &options->check, "Show the balances and check the books instead"},
                   {"--csv", &options->csv, "Report as CSV on stdout"},
                   {"--json", &options->json, kJsonHelp}}};
  command.exclusive = {{"--csv", "--json"}};
  for (const char* name : {"--from", "--until", "--team", "--key", "--user", "--csv"})
    command.exclusive.emplace_back("--check", name);
  add_config_options(command, options->flags, {"data_dir", "log_level"});
  command.footer =
      "Sums by day, key, model, user and outcome (docs/billing.md); what is still being made is "
      "left "
      "out.\n"
      "Examples:\n"
      "  imagined usage --from 2026-11-01 --until 2026-12-01\n"
      "  imagined usage --user alice --json";
  command.run = [options] { return usage(*options); };
  return command;
}

}  // namespace imagined::cli
