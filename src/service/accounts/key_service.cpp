#include "service/accounts/key_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "base/words.h"
#include "service/billing/money.h"

namespace imagined::service {
namespace {

// The last use is exact to this: a busy key is one write a minute, the first use is seen at once.
constexpr std::int64_t kUseIntervalMs = 60'000;
constexpr std::size_t kModelsMax = 100;

/// The token behind "Bearer " in any case; empty when there is none.
std::string_view bearer_token(std::string_view header) {
  constexpr std::string_view kScheme = "bearer";
  const std::string_view scheme = header.substr(0, header.find_first_of(" \t"));
  if (scheme.size() == header.size() || !equal_ignoring_case(scheme, kScheme)) return {};
  return trim(header.substr(scheme.size()));
}

tl::unexpected<Error> unauthenticated(ErrorReason reason, std::string message,
                                      std::string detail = {}) {
  return tl::unexpected<Error>(Error{.code = ErrorCode::unauthenticated,
                                     .message = std::move(message),
                                     .detail = std::move(detail),
                                     .reason = reason});
}

/// `whose`: "the key's" or "the person's".
Result<void> check_name(std::string_view name, std::string_view whose) {
  if (trim(name).empty())
    return fail(ErrorCode::invalid_argument, fmt::format("{} name is empty", whose), "name");
  if (name.size() > kKeyNameBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} name has {} bytes, at most {} are allowed", whose, name.size(),
                            kKeyNameBytesMax),
                "name");
  if (!is_printable_line(name))
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} name has a control character or broken UTF-8", whose), "name");
  return {};
}

Result<void> check_team(std::string_view team) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  if (!team.empty() && team.size() <= kTeamBytesMax &&
      team.find_first_not_of(kLetters) == std::string_view::npos)
    return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("team is {:?}, expected 1 to {} letters, digits, '-', '_' or '.'",
                          team.substr(0, 80), kTeamBytesMax),
              "team");
}

Result<void> check_life(const KeyWish& wish, std::int64_t now_ms) {
  if (wish.expires_ms == 0) return {};
  const std::int64_t begin_ms = std::max(wish.not_before_ms, now_ms);
  if (wish.expires_ms > begin_ms) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("expires is {}, expected a time after {}", to_timestamp(wish.expires_ms),
                          to_timestamp(begin_ms)),
              "expires");
}

Result<void> check_models(const std::vector<std::string>& models) {
  if (models.size() > kModelsMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("models has {} names, at most {} are allowed", models.size(), kModelsMax),
        "models");
  const auto is_name = [](const std::string& name) {
    return !name.empty() && name.size() <= 256 &&
           std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F && c != ','; });
  };
  const auto wrong = std::ranges::find_if_not(models, is_name);
  if (wrong == models.end()) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("models has \"{}\", which is no name of a model", wrong->substr(0, 60)),
              "models");
}

Result<void> check_allowance(const Allowance& allowance) {
  struct Row {
    std::string_view field;
    const std::optional<std::int64_t>& value;
  };
  for (const Row& row :
       {Row{"per_second", allowance.per_second}, Row{"per_minute", allowance.per_minute},
        Row{"in_flight", allowance.in_flight}, Row{"pictures_per_day", allowance.pictures_per_day},
        Row{"pictures_per_month", allowance.pictures_per_month},
        Row{"usd_per_day", allowance.usd_ticks_per_day},
        Row{"usd_per_month", allowance.usd_ticks_per_month}}) {
    if (!row.value || *row.value > 0) continue;
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is {}, expected more than 0", row.field,
                            row.field.starts_with("usd") ? format_usd(*row.value)
                                                         : fmt::format("{}", *row.value)),
                std::string(row.field));
  }
  return {};
}

Result<void> check_wish(const KeyWish& wish, bool of_person) {
  TRY(check_name(wish.name, of_person ? "the person's" : "the key's"));
  TRY(check_models(wish.models));
  return check_allowance(wish.allowance);
}

ApiKey with_wish(ApiKey key, const KeyWish& wish) {
  key.name = wish.name;
  key.scopes = wish.scopes;
  key.models = wish.models;
  key.allowance = wish.allowance;
  key.not_before_ms = wish.not_before_ms;
  key.expires_ms = wish.expires_ms;
  key.disabled = wish.disabled;
  key.uses_cache = wish.uses_cache;
  key.unlabelled = wish.unlabelled;
  return key;
}

/// For the audit log.
std::string in_words(const ApiKey& key) {
  std::string text = fmt::format("name={:?} ", key.name);
  text += key.role ? fmt::format("role={}", to_string(*key.role))
                   : fmt::format("scopes={} models={}", key.scopes.text(), join_words(key.models));
  const auto add = [&text](std::string_view name, const std::optional<std::int64_t>& value) {
    if (value) text += fmt::format(" {}={}", name, *value);
  };
  add("per_second", key.allowance.per_second);
  add("per_minute", key.allowance.per_minute);
  add("in_flight", key.allowance.in_flight);
  add("pictures_per_day", key.allowance.pictures_per_day);
  add("pictures_per_month", key.allowance.pictures_per_month);
  add("usd_ticks_per_day", key.allowance.usd_ticks_per_day);
  add("usd_ticks_per_month", key.allowance.usd_ticks_per_month);
  if (key.uses_cache) text += " cache";
  if (key.unlabelled) text += " no_metadata";
  if (key.not_before_ms > 0) text += fmt::format(" not_before={}", to_timestamp(key.not_before_ms));
  if (key.expires_ms > 0) text += fmt::format(" expires={}", to_timestamp(key.expires_ms));
  return text;
}

std::string in_words(const CapacityRequest& request) {
  std::string text;
  if (request.per_second) text += fmt::format("per_second={} ", *request.per_second);
  if (request.per_minute) text += fmt::format("per_minute={} ", *request.per_minute);
  return text + fmt::format("reason={:?}", request.reason);
}

Deed deed_of(const Actor& actor, const ApiKey& key, std::string_view action, std::string detail) {
  return {.actor = actor.name,
          .action = std::string(action),
          .target = fmt::format("key:{}", key.id),
          .team_id = key.team_id,
          .detail = std::move(detail),
          .request_id = actor.request_id};
}

Result<void> check_not_revoked(const ApiKey& key) {
  if (key.revoked_ms == 0) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("the key was revoked at {} and cannot be used again",
                          to_timestamp(key.revoked_ms)));
}

}  // namespace

KeyService::KeyService(KeyStore& store, const Clock& clock, KeyServiceOptions options)
    : store_(store), clock_(clock), options_(std::move(options)) {}

KeyWish wish_of(const ApiKey& key) {
  return {.name = key.name,
          .scopes = key.scopes,
          .models = key.models,
          .allowance = key.allowance,
          .not_before_ms = key.not_before_ms,
          .expires_ms = key.expires_ms,
          .disabled = key.disabled,
          .uses_cache = key.uses_cache,
          .unlabelled = key.unlabelled};
}

Result<NewKey> KeyService::make(const Actor& actor, const KeyWish& wish, const KeyHolder& holder,
                                const Insert& insert) {
  TRY(check_wish(wish, holder.role.has_value()));
  TRY(check_life(wish, clock_.unix_ms()));
  TRY(check_team(holder.team_id));
  NewKey key =
      make_key({.prefix = options_.prefix, .name = wish.name, .pepper = options_.pepper}, clock_);
  key.row = with_wish(std::move(key.row), wish);
  key.row.org_id = holder.org_id;
  key.row.team_id = holder.team_id;
  key.row.role = holder.role;
  if (holder.role) key.row.scopes = ScopeSet();
  key.row.modified_ms = key.row.created_ms;
  key.row.modified_by = actor.name;
  TRY(insert(key.row, deed_of(actor, key.row, "key.create", in_words(key.row))));
  log(LogLevel::info, "key_created", "id={} actor={:?}", key.row.id, actor.name);
  return key;
}

Result<NewKey> KeyService::create(const Actor& actor, const KeyWish& wish,
                                  const KeyHolder& holder) {
  return make(actor, wish, holder,
              [this](const ApiKey& key, const Deed& deed) { return store_.insert(key, deed); });
}

Result<NewKey> KeyService::create_first_owner(const Actor& actor, std::string_view name) {
  return make(
      actor, {.name = std::string(name)}, {.role = Role::owner},
      [this](const ApiKey& key, const Deed& deed) { return store_.insert_first_owner(key, deed); });
}

Result<bool> KeyService::has_owner() {
  const std::vector<ApiKey> keys = TRY(store_.list());
  return std::ranges::any_of(keys, is_owner);
}

Result<ApiKey> KeyService::change(const Actor& actor, const ApiKey& key, const KeyWish& wish) {
  TRY(check_not_revoked(key));
  TRY(check_wish(wish, key.role.has_value()));
  // A key that has expired may still be given another name.
  if (wish.expires_ms != key.expires_ms || wish.not_before_ms != key.not_before_ms)
    TRY(check_life(wish, clock_.unix_ms()));
  ApiKey after = with_wish(key, wish);
  if (key.role) after.scopes = ScopeSet();
  if (after == key) return key;
  const bool is_switched = after.disabled != key.disabled;
  const std::string_view action = !is_switched     ? "key.change"
                                  : after.disabled ? "key.disable"
                                                   : "key.enable";
  return write(actor, key, after, action, in_words(after));
}

Result<std::vector<ApiKey>> KeyService::list() { return store_.list(); }

tl::unexpected<Error> no_such_key(std::string_view id) {
  return fail(ErrorCode::not_found,
              fmt::format("there is no key {:?}", valid_utf8(id.substr(0, 60))), "id");
}

Result<ApiKey> KeyService::find(std::string_view id) {
  auto key = store_.find(id);
  if (!key && key.error().code == ErrorCode::not_found) return no_such_key(id);
  return key;
}

Result<ApiKey> KeyService::write(const Actor& actor, const ApiKey& before, ApiKey after,
                                 std::string_view action, std::string detail) {
  after.modified_ms = clock_.unix_ms();
  after.modified_by = actor.name;
  TRY(store_.update(before, after, deed_of(actor, after, action, std::move(detail))));
  log(LogLevel::info, "key_changed", "id={} action={} actor={:?}", after.id, action, actor.name);
  return after;
}

Result<NewKey> KeyService::rotate(const Actor& actor, std::string_view id,
                                  std::int64_t overlap_ms) {
  if (overlap_ms < 0 || overlap_ms > kRotationOverlapMsMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("overlap is {} s, expected 0 to {}", overlap_ms / 1000,
                            kRotationOverlapMsMax / 1000),
                "overlap");
  const ApiKey key = TRY(find(id));
  TRY(check_not_revoked(key));
  NewKey rotated = with_new_secret(key, {.prefix = options_.prefix, .pepper = options_.pepper},
                                   clock_, overlap_ms);
  rotated.row = TRY(write(actor, key, std::move(rotated.row), "key.rotate",
                          fmt::format("overlap_s={}", overlap_ms / 1000)));
  return rotated;
}

Result<ApiKey> KeyService::set_disabled(const Actor& actor, std::string_view id, bool disabled) {
  const ApiKey key = TRY(find(id));
  KeyWish wish = wish_of(key);
  wish.disabled = disabled;
  return change(actor, key, wish);
}

Result<ApiKey> KeyService::ask_capacity(const Actor& actor, std::string_view id,
                                        CapacityRequest request) {
  TRY(check_capacity(request));
  const ApiKey key = TRY(find(id));
  TRY(check_not_revoked(key));
  request.at_ms = clock_.unix_ms();
  request.by = actor.name;
  ApiKey after = key;
  after.asked = std::move(request);
  return write(actor, key, after, "capacity.ask", in_words(after.asked));
}

Result<ApiKey> KeyService::decide_capacity(const Actor& actor, std::string_view id, bool granted) {
  const ApiKey key = TRY(find(id));
  TRY(check_not_revoked(key));
  if (!key.asked.is_open())
    return fail(ErrorCode::failed_precondition, "no capacity is asked for with this key");
  ApiKey after = key;
  after.asked = CapacityRequest();
  if (!granted) return write(actor, key, std::move(after), "capacity.deny", in_words(key.asked));
  if (key.asked.by == actor.name)
    return fail(ErrorCode::permission_denied,
                "you have asked for this capacity yourself; another admin or owner decides");
  const Rates has{.per_second = key.allowance.per_second.value_or(options_.rates.per_second),
                  .per_minute = key.allowance.per_minute.value_or(options_.rates.per_minute)};
  const QueuePace pace = options_.pace ? TRY(options_.pace()) : QueuePace();
  const CapacityRequest given = within_pace(key.asked, has, pace);
  if (given.per_second) after.allowance.per_second = given.per_second;
  if (given.per_minute) after.allowance.per_minute = given.per_minute;
  std::string detail = in_words(given);
  if (given != key.asked) detail += fmt::format(" of {}", in_words(key.asked));
  return write(actor, key, std::move(after), "capacity.grant", std::move(detail));
}

Result<ApiKey> KeyService::revoke(const Actor& actor, std::string_view id) {
  const ApiKey key = TRY(find(id));
  if (key.revoked_ms > 0) return key;
  ApiKey after = key;
  after.revoked_ms = clock_.unix_ms();
  return write(actor, key, std::move(after), "key.revoke");
}

Error KeyService::wrong_key(std::string_view from, Error refusal) {
  if (from.empty() || options_.limits == nullptr) return refusal;
  const Draw draws[] = {{.bucket = fmt::format("wrong-key from:{}", from),
                         .rules = {{.name = "rpm", .window = kWrongKeysMax}}}};
  const auto verdict = options_.limits->take(draws);
  if (!verdict || verdict->admitted) return refusal;
  const std::int64_t wait_ms = verdict->wait_ms.value_or(0);
  return {.code = ErrorCode::resource_exhausted,
          .message = fmt::format("Too many wrong API keys from this address; try again in {} s.",
                                 retry_after_s(wait_ms)),
          .retry_after_ms = wait_ms,
          .retry = Retry::no};  // a client's own retry brings the same key
}

Result<Caller> KeyService::authenticate(std::optional<std::string_view> authorization,
                                        Usable usable, std::string_view from) {
  const std::string_view header = trim(authorization.value_or(""));
  if (header.empty())
    return unauthenticated(ErrorReason::no_credentials, "No credentials presented.");
  const std::string_view token = bearer_token(header);
  if (token.empty())
    return unauthenticated(ErrorReason::no_credentials,
                           "No credentials presented: the authorization header does not have the "
                           "form \"Bearer <API key>\".");
  const auto refused = [&](Error error) {
    return tl::unexpected(wrong_key(from, std::move(error)));
  };
  const auto unknown = [&](std::string detail) {
    return refused(
        unauthenticated(ErrorReason::bad_credentials,
                        fmt::format("Incorrect API key provided: {}.", masked_key(token)),
                        std::move(detail))
            .value());
  };
  // Something else than a key of ours is not one that was cut.
  if (!token.starts_with(fmt::format("{}_", options_.prefix))) return unknown("prefix");
  auto parsed = parse_key(token, options_.prefix);
  if (!parsed) return refused(std::move(parsed.error()));
  auto key = store_.find(parsed->id);
  if (!key && key.error().code == ErrorCode::not_found) return unknown("unknown id");
  if (!key) return tl::unexpected(std::move(key.error()));
  const std::int64_t now_ms = clock_.unix_ms();
  if (!has_secret(*key, parsed->secret, options_.pepper, now_ms)) return unknown("wrong secret");
  if (usable == Usable::now || key->revoked_ms > 0) TRY(check_usable(*key, now_ms));
  note_use(*key);
  return Caller{.owner = {.org_id = key->org_id, .team_id = key->team_id, .key_id = key->id},
                .scopes = key->scopes,
                .models = std::move(key->models),
                .allowance = key->allowance,
                .role = key->role,
                .uses_cache = key->uses_cache,
                .unlabelled = key->unlabelled};
}

std::string KeyService::redacted(const ApiKey& key) const {
  return fmt::format("{}_{}_...{}", options_.prefix, key.id, key.last4);
}

Sha256 KeyService::secret_for(std::string_view use) const {
  const std::span key(reinterpret_cast<const std::uint8_t*>(options_.pepper.data()),
                      options_.pepper.size());
  return hmac_sha256(key, use);
}

std::string KeyService::without_keys(std::string_view path) const {
  const std::string mark = options_.prefix + "_";
  std::string kept(path);
  for (auto at = kept.find(mark); at != std::string::npos; at = kept.find(mark, at + 1)) {
    at += mark.size();
    kept.replace(at, std::min(kept.find('/', at), kept.size()) - at, "...");
  }
  return kept;
}

void KeyService::note_use(const ApiKey& key) {
  const std::int64_t now_ms = clock_.unix_ms();
  if (now_ms - key.last_used_ms < kUseIntervalMs) return;
  const std::lock_guard lock(mutex_);
  uses_[key.id] = now_ms;
}

Result<int> KeyService::record_uses() {
  std::map<std::string, std::int64_t> noted;
  {
    const std::lock_guard lock(mutex_);
    noted.swap(uses_);
  }
  std::vector<KeyUse> uses;
  for (const auto& [id, used_ms] : noted) uses.push_back({.id = id, .used_ms = used_ms});
  if (uses.empty()) return 0;
  if (auto recorded = store_.record_uses(uses); !recorded) {
    const std::lock_guard lock(mutex_);
    uses_.merge(noted);  // newer ones stay
    return tl::unexpected(std::move(recorded.error()));
  }
  return static_cast<int>(uses.size());
}

}  // namespace imagined::service
