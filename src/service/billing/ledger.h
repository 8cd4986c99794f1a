// The books: double entry, append only. Every entry takes an amount from one account and gives it
// to another, so the sum over all accounts is zero at all times.
//
// A charge is one thing that is paid for, first of all a job. Its life:
//   reserve   wallet -> held            n pictures, before any work, in the commit that takes the
//   job settle    held -> revenue           what was delivered, in the commit that ends the job
//   release   held -> wallet            the rest, in the same commit
//   refund    revenue -> wallet         a picture that was paid for and is lost
// Settle and release are always written together, either may be of nothing, and a charge has each
// step once (a unique index): so a charge is open or resolved, never both, and a hold is resolved
// when and only when its job is final. If the process dies in between, the commit did not happen.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/owner.h"
#include "service/billing/outcome.h"
#include "service/billing/price.h"
#include "service/billing/quota.h"

namespace imagined::service {

struct Charge {
  std::string id;  // of the job, or of whatever else is paid for
  Owner owner;
  std::string user;   // the customer's word for its own user; may be empty
  std::string model;  // an id of the catalogue
  Bill bill;
  std::int64_t pictures = 0;  // ordered
  bool is_words = false;  // an answer of a model that talks: one piece at its price, and no picture
  ChargePolicy policy = ChargePolicy::delivered_only;  // the terms of the moment of the order
  std::int64_t created_ms = 0;

  Amount ordered() const { return {counted(pictures), bill.cost_usd_ticks(pictures)}; }
  /// As many of the pieces as are pictures, which quotas and reports count.
  std::int64_t counted(std::int64_t pieces) const { return is_words ? 0 : pieces; }
};

/// Spelled as in the database.
enum class EntryStep : std::uint8_t { reserve, settle, release, refund };

std::string_view to_string(EntryStep step);

struct Entry {
  std::string charge_id;
  EntryStep step = EntryStep::reserve;
  std::string from;  // an account
  std::string to;
  std::int64_t usd_ticks = 0;  // never negative
  std::int64_t at_ms = 0;

  bool operator==(const Entry&) const = default;
};

std::string wallet_of(const Owner& owner);
std::string held_of(const Owner& owner);
std::string revenue_of(std::string_view model);

/// How a charge ends.
struct Settlement {
  Outcome outcome = Outcome::delivered;
  std::int64_t delivered = 0;  // pictures
  std::string why = {};        // of a blocked one: what the customer was told

  bool operator==(const Settlement&) const = default;
};
/// For how many pictures the charge is settled, by its policy.
std::int64_t paid_pictures(const Charge& charge, const Settlement& settlement);

Entry reserve_entry(const Charge& charge, std::int64_t now_ms);
/// Settle and release, for so many pictures, 0 to those ordered.
std::array<Entry, 2> resolve_entries(const Charge& charge, std::int64_t paid, std::int64_t now_ms);
/// Of everything that a resolved charge has cost.
Entry refund_entry(const Charge& charge, std::int64_t paid, std::int64_t now_ms);

/// The buckets that count what an owner and its user have ordered: "org:", "team:", "key:",
/// "user:". A name of a user is the team's own, so two teams may have the same.
std::vector<std::string> spending_buckets(const Owner& owner, std::string_view user);

/// What is asked of the books before any work is done: all of it or nothing.
struct Reservation {
  Charge charge;
  std::vector<Quota> quotas;
};

}  // namespace imagined::service
