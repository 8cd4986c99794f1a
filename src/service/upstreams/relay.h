#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/admission/admission.h"
#include "service/ports/ledger_store.h"
#include "service/ports/upstream_client.h"
#include "service/upstreams/upstreams.h"

namespace imagined::service {

/// What an owner has used of each of its quotas.
struct Spending {
  struct Use {
    Quota quota;  // as its team has lowered it
    Amount used;
  };
  std::vector<Use> uses;
  std::int64_t seen_ms = 0;
};

/// What customers can do with the models of other servers: who may, who is asked, what it costs.
/// Made once, by cli/wiring; any thread may call it. If the process dies in the middle of an
/// answer, nothing of it is in the books.
class Relay {
 public:
  /// The references must outlive it.
  struct Parts {
    Upstreams& upstreams;
    UpstreamClient& client;
    LedgerStore& ledger;
    Admission& admission;
    const Clock& clock;
  };
  explicit Relay(Parts parts) : parts_(parts) {}

  const Upstreams& upstreams() const { return parts_.upstreams; }

  /// Blocks.
  Result<Spending> spending(const Caller& caller);
  /// Whether it may still be gone by.
  bool is_fresh(const Spending& spending) const;
  /// Before anybody is asked. `unauthenticated` for a key that is limited to scopes, for none of
  /// them is for this, or to other models; `resource_exhausted` when a quota or a budget is spent.
  /// Never blocks.
  Result<void> check(const Caller& caller, std::string_view model, const Spending& spending);
  /// The same with the spending of now. Blocks.
  Result<void> check(const Caller& caller, std::string_view model);

  /// As Upstreams.
  std::vector<UpstreamRoute> routes(std::string_view model) {
    return parts_.upstreams.routes(model);
  }
  void succeeded(const UpstreamRoute& route) { parts_.upstreams.succeeded(*route.upstream); }
  void failed(const UpstreamRoute& route) { parts_.upstreams.failed(*route.upstream); }
  bool may_have_responses(const UpstreamRoute& route) const {
    return parts_.upstreams.may_have_responses(route);
  }
  void missed_responses(const UpstreamRoute& route) { parts_.upstreams.missed_responses(route); }
  void lacks_responses(const UpstreamRoute& route) { parts_.upstreams.lacks_responses(route); }

  /// A JSON body for a path behind the upstream's base URL.
  struct Question {
    std::string_view path;
    std::shared_ptr<const std::string> body;
    bool as_events = false;
    std::string_view id;  // the same however often it is sent: an upstream that knows such keys
                          // answers it once
  };
  /// Never blocks.
  std::unique_ptr<UpstreamAnswer> post(const UpstreamRoute& route, Question question,
                                       std::function<void()> on_news);

  /// Puts an answer that was given into the books, as one delivered piece; its cost. Blocks.
  Result<std::int64_t> record(const Caller& caller, std::string_view model,
                              const UpstreamRoute& route, const TokenUsage& usage);

 private:
  Charge charge_of(const Caller& caller, std::string_view model) const;

  Parts parts_;
};

}  // namespace imagined::service
