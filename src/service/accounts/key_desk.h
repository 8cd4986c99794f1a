#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/accounts/key_service.h"
#include "service/accounts/visit.h"
#include "service/ports/key_store.h"

namespace imagined::service {

/// What people can do with the keys of their own team, whichever way they ask. A verb that the
/// person's role does not cover is `unauthenticated`; a key or a team that is not the person's is
/// `not_found`, and so is another person. Any thread may call it; calls block on the store.
class KeyDesk {
 public:
  /// The references must outlive the desk.
  KeyDesk(KeyService& keys, KeyStore& store) : keys_(keys), store_(store) {}

  /// Keys of customers, oldest first; revoked ones are left out.
  struct KeyPage {
    std::vector<ApiKey> keys;
    std::string next;  // where the next page begins; empty: there is none
  };
  /// Of at most `count_max` keys from `place` on, the `next` of the page before; it holds though
  /// keys before it are deleted. `invalid_argument` for what was no `next`.
  Result<KeyPage> list(const Visit& visit, std::string_view place = {},
                       std::int64_t count_max = INT64_MAX);
  /// A key of a customer, to a member.
  Result<ApiKey> show(const Visit& visit, std::string_view id);
  /// As KeyService::create.
  Result<NewKey> create(const Visit& visit, const KeyWish& wish);
  /// `patch` turns what the key is into what it is to be.
  Result<ApiKey> change(const Visit& visit, std::string_view id,
                        const std::function<Result<KeyWish>(KeyWish)>& patch);
  /// As KeyService::rotate.
  Result<NewKey> rotate(const Visit& visit, std::string_view id, std::int64_t overlap_ms);
  Result<void> revoke(const Visit& visit, std::string_view id);

  /// As KeyService::ask_capacity, for the key that asks, which is a customer's.
  Result<ApiKey> ask_capacity(const Visit& visit, CapacityRequest request);
  /// The same by a person, for a key of the team.
  Result<ApiKey> ask_capacity(const Visit& visit, std::string_view id, CapacityRequest request);
  /// As KeyService::decide_capacity.
  Result<ApiKey> decide_capacity(const Visit& visit, std::string_view id, bool granted);

  /// The people of the team, oldest first; revoked ones are left out.
  Result<std::vector<ApiKey>> people(const Visit& visit);
  /// A person with a management key, by an owner; `invalid_argument` for the name.
  Result<NewKey> add_person(const Visit& visit, std::string_view name, Role role);

  /// The key that the person asks with.
  Result<ApiKey> own(const Visit& visit);
  /// A page of the audit log, oldest first, of so many rows from the given sequence on; those of
  /// the person's team alone.
  struct AuditPage {
    std::vector<AuditEvent> events;
    std::int64_t next_sequence = 0;  // 0: there is no other page
  };
  Result<AuditPage> audit(const Visit& visit, std::int64_t from_sequence, int count_max);

 private:
  /// A key of a customer of the person's team.
  Result<ApiKey> find(const Visit& visit, std::string_view id);

  KeyService& keys_;
  KeyStore& store_;
};

}  // namespace imagined::service
