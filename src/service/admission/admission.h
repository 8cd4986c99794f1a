// The one door to the domain's work, for every way of asking. It draws a request under the limits
// of its key and model, and says what the books must hold for it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/billing/ledger.h"
#include "service/limits/allowance.h"
#include "service/limits/limit.h"
#include "service/limits/waiting_room.h"
#include "service/ports/limit_store.h"

namespace imagined::service {

/// What holds where a key, a team or a user has nothing of its own.
struct AdmissionPolicy {
  std::int64_t per_second = 5;  // requests, per key and model
  std::int64_t per_minute = 300;
  std::int64_t in_flight = 20;  // jobs of one key
  Allowance team;               // of every team; rates are over all of its keys
  Allowance user;               // of every end user that a request names
  ChargePolicy charge_policy = ChargePolicy::delivered_only;
  bool waits = false;                 // queues a request over its limit instead of refusing it
  std::int64_t wait_ms_max = 60'000;  // and refuses it after this long
};

/// What became of a request at the door.
struct Admitted {
  LimitFigures figures;          // for the reply, whatever it will be
  std::optional<Error> refusal;  // none: come in
};

/// A request that a limit, a quota or a budget has refused.
struct LimitRefusal {
  std::int64_t at_ms = 0;
  Owner owner;
  std::string model;
  std::string message;  // as the client was told
};
inline constexpr std::size_t kRefusalsKept = 1000;

/// Any thread may call it; calls block on the store. If the process dies, what waited has drawn
/// nothing.
class Admission {
 public:
  /// The references must outlive it.
  Admission(LimitStore& store, const Clock& clock, AdmissionPolicy policy = {})
      : store_(store), clock_(clock), policy_(policy) {}

  /// Draws one request for the model. The model is one of the catalogue: a request that cannot be
  /// read is drawn for the default one, since a flood of bad requests is a flood too. An error is
  /// the store's own: nobody passes then.
  Result<Admitted> admit(const Caller& caller, std::string_view model);
  /// Whether `admit` may wait.
  bool blocks() const { return store_.blocks(); }

  /// A place in the queue of requests over their limit. It draws when its turn has come, or gives
  /// the place up at its end.
  class Place {
   public:
    ~Place();
    Place(Place&& other) noexcept;
    Place& operator=(Place&&) = delete;

    /// What became of the request; none while it waits.
    Result<std::optional<Admitted>> look();
    /// How long it is not worth to look again, unless `on_turn` is called before.
    std::int64_t wait_ms() const { return wait_ms_; }

   private:
    friend class Admission;
    Place(Admission& admission, WaitingRoom::Ticket ticket, Owner owner, std::string model,
          std::int64_t until_ms)
        : admission_(&admission),
          ticket_(ticket),
          owner_(std::move(owner)),
          model_(std::move(model)),
          until_ms_(until_ms) {}

    Admission* admission_;  // null: moved from
    WaitingRoom::Ticket ticket_;
    Owner owner_;
    std::string model_;
    std::int64_t until_ms_;
    std::int64_t wait_ms_ = 0;
  };
  /// `on_turn` is called from any thread, at most once, when another's look has found that it is
  /// this one's turn; it must not block. `resource_exhausted` when the queue is full.
  Result<Place> queue(const Caller& caller, std::string_view model, std::function<void()> on_turn);

  /// Notes what was refused behind the door because something is used up: a quota, a budget, a
  /// place in the queue. Other errors are none of its business.
  void note_refusal(const Caller& caller, std::string_view model, const Error& error);
  /// What was refused to the caller's team lately, newest first; of all teams kRefusalsKept are
  /// kept, in this process alone.
  std::vector<LimitRefusal> refused(const Caller& caller);

  bool waits() const { return policy_.waits; }

  /// What the books must hold for a job of this caller before it is taken.
  Reservation reservation(const Caller& caller, Charge charge) const;
  std::int64_t in_flight_max(const Caller& caller) const;

 private:
  struct Turn {
    std::function<void()> on_turn;
    std::optional<Result<Verdict>> verdict;  // none: waits
  };

  std::vector<Draw> draws(const Caller& caller, std::string_view model) const;
  /// What became of a draw; a refusal is noted. Under the lock.
  Admitted answer_of(const Verdict& verdict, const Owner& owner, const std::string& model);
  void note(const Owner& owner, const std::string& model, const Error& refusal);
  /// Lets in whoever may go; how long until somebody else may. Under the lock.
  std::optional<std::int64_t> run_round();

  LimitStore& store_;
  const Clock& clock_;
  const AdmissionPolicy policy_;
  std::mutex mutex_;
  WaitingRoom room_;
  std::map<WaitingRoom::Ticket, Turn> turns_;
  std::deque<LimitRefusal> refusals_;  // oldest first
};

}  // namespace imagined::service
