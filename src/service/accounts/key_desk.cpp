#include "service/accounts/key_desk.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace imagined::service {
namespace {

Actor actor_of(const Visit& visit) {
  return {.name = fmt::format("key:{}", visit.caller.owner.key_id),
          .request_id = std::string(visit.request_id)};
}

/// A key of a customer of the same team.
bool is_in_sight(const Visit& visit, const ApiKey& key) {
  return !key.role && may_see(visit.caller, {.org_id = key.org_id, .team_id = key.team_id});
}

/// Where a key stands among those of its age.
using Place = std::pair<std::int64_t, std::string>;

Place place_of(const ApiKey& key) { return {key.created_ms, key.id}; }

Result<Place> parse_place(std::string_view text) {
  if (text.empty()) return Place();
  Place place;
  const auto point = std::min(text.find('.'), text.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + point, place.first);
  if (error != std::errc() || end != text.data() + point || point == text.size())
    return fail(ErrorCode::invalid_argument, "this is not the token of a page", "paginationToken");
  place.second = text.substr(point + 1);
  return place;
}

}  // namespace

Result<ApiKey> KeyDesk::find(const Visit& visit, std::string_view id) {
  ApiKey key = TRY(keys_.find(id));
  if (!is_in_sight(visit, key)) return no_such_key(id);
  return key;
}

Result<KeyDesk::KeyPage> KeyDesk::list(const Visit& visit, std::string_view place,
                                       std::int64_t count_max) {
  TRY(enter(visit, Role::member));
  const Place first = TRY(parse_place(place));
  KeyPage page{.keys = TRY(keys_.list())};
  std::erase_if(page.keys, [&](const ApiKey& key) {
    return !is_in_sight(visit, key) || key.revoked_ms > 0 || place_of(key) < first;
  });
  std::ranges::sort(page.keys, {}, place_of);
  if (std::ssize(page.keys) <= count_max) return page;
  page.keys.resize(static_cast<std::size_t>(count_max) + 1);
  const auto [created_ms, id] = place_of(page.keys.back());
  page.next = fmt::format("{}.{}", created_ms, id);
  page.keys.pop_back();
  return page;
}

Result<ApiKey> KeyDesk::show(const Visit& visit, std::string_view id) {
  TRY(enter(visit, Role::member));
  return find(visit, id);
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

Result<ApiKey> KeyDesk::ask_capacity(const Visit& visit, std::string_view id,
                                     CapacityRequest request) {
  TRY(enter(visit, Role::member));
  TRY(find(visit, id));
  return keys_.ask_capacity(actor_of(visit), id, std::move(request));
}

Result<ApiKey> KeyDesk::decide_capacity(const Visit& visit, std::string_view id, bool granted) {
  TRY(enter(visit, Role::admin));
  TRY(find(visit, id));
  return keys_.decide_capacity(actor_of(visit), id, granted);
}

Result<std::vector<ApiKey>> KeyDesk::people(const Visit& visit) {
  TRY(enter(visit, Role::member));
  std::vector<ApiKey> people = TRY(keys_.list());
  std::erase_if(people, [&](const ApiKey& key) {
    return !key.role || key.revoked_ms > 0 ||
           !may_see(visit.caller, {.org_id = key.org_id, .team_id = key.team_id});
  });
  return people;
}

Result<NewKey> KeyDesk::add_person(const Visit& visit, std::string_view name, Role role) {
  TRY(enter(visit, Role::owner));
  const Owner& owner = visit.caller.owner;
  return keys_.create(actor_of(visit), {.name = std::string(name)},
                      {.org_id = owner.org_id, .team_id = owner.team_id, .role = role});
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
