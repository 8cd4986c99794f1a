#include "service/accounts/key_desk.h"

#include <fmt/core.h>

namespace imagined::service {
namespace {

using Visit = KeyDesk::Visit;

Result<void> enter(const Visit& visit, Role role) {
  TRY(require(visit.caller, role));
  if (visit.team_id.empty() || visit.team_id == visit.caller.owner.team_id) return {};
  return fail(ErrorCode::not_found, "no such team");
}

Actor actor_of(const Visit& visit) {
  return {.name = fmt::format("key:{}", visit.caller.owner.key_id),
          .request_id = std::string(visit.request_id)};
}

/// A key of a customer of the same team.
bool is_in_sight(const Visit& visit, const ApiKey& key) {
  return !key.role && may_see(visit.caller, {.org_id = key.org_id, .team_id = key.team_id});
}

}  // namespace

Result<ApiKey> KeyDesk::find(const Visit& visit, std::string_view id) {
  ApiKey key = TRY(keys_.find(id));
  if (!is_in_sight(visit, key)) return fail(ErrorCode::not_found, "no such key");
  return key;
}

Result<std::vector<ApiKey>> KeyDesk::list(const Visit& visit) {
  TRY(enter(visit, Role::member));
  std::vector<ApiKey> keys = TRY(keys_.list());
  std::erase_if(
      keys, [&visit](const ApiKey& key) { return !is_in_sight(visit, key) || key.revoked_ms > 0; });
  return keys;
}

Result<NewKey> KeyDesk::create(const Visit& visit, const KeyWish& wish) {
  TRY(enter(visit, Role::admin));
  const Owner& owner = visit.caller.owner;
  return keys_.create(actor_of(visit), wish, {.org_id = owner.org_id, .team_id = owner.team_id});
}

Result<ApiKey> KeyDesk::change(const Visit& visit, std::string_view id,
                               const std::function<Result<KeyWish>(KeyWish)>& patch) {
  TRY(enter(visit, Role::admin));
  const ApiKey key = TRY(find(visit, id));
  return keys_.change(actor_of(visit), key, TRY(patch(wish_of(key))));
}

Result<NewKey> KeyDesk::rotate(const Visit& visit, std::string_view id, std::int64_t overlap_ms) {
  TRY(enter(visit, Role::admin));
  TRY(find(visit, id));
  return keys_.rotate(actor_of(visit), id, overlap_ms);
}

Result<void> KeyDesk::revoke(const Visit& visit, std::string_view id) {
  TRY(enter(visit, Role::admin));
  TRY(find(visit, id));
  TRY(keys_.revoke(actor_of(visit), id));
  return {};
}

Result<ApiKey> KeyDesk::ask_capacity(const Visit& visit, CapacityRequest request) {
  const std::string& id = visit.caller.owner.key_id;
  TRY(find(visit, id));
  return keys_.ask_capacity(actor_of(visit), id, std::move(request));
}

Result<ApiKey> KeyDesk::decide_capacity(const Visit& visit, std::string_view id, bool granted) {
  TRY(enter(visit, Role::admin));
  TRY(find(visit, id));
  return keys_.decide_capacity(actor_of(visit), id, granted);
}

Result<ApiKey> KeyDesk::own(const Visit& visit) {
  TRY(enter(visit, Role::member));
  return keys_.find(visit.caller.owner.key_id);
}

Result<KeyDesk::AuditPage> KeyDesk::audit(const Visit& visit, std::int64_t from_sequence,
                                          int count_max) {
  TRY(enter(visit, Role::owner));
  AuditPage page{.events = TRY(store_.audit(from_sequence, count_max))};
  if (std::ssize(page.events) == count_max) page.next_sequence = page.events.back().sequence + 1;
  std::erase_if(page.events, [&visit](const AuditEvent& event) {
    return event.deed.team_id != visit.caller.owner.team_id;
  });
  return page;
}

}  // namespace imagined::service
