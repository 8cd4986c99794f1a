#include "service/accounts/key_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"
#include "base/text.h"
#include "base/utf8.h"

namespace imagined::service {
namespace {

constexpr std::int64_t kUseIntervalMs = 60'000;  // the last use is exact to this

/// The token behind "Bearer " in any case; empty when there is none.
std::string_view bearer_token(std::string_view header) {
  constexpr std::string_view kScheme = "bearer";
  header = trim(header);
  const std::string_view scheme = header.substr(0, header.find_first_of(" \t"));
  if (scheme.size() == header.size() || !equal_ignoring_case(scheme, kScheme)) return {};
  return trim(header.substr(scheme.size()));
}

Result<void> check_name(std::string_view name) {
  if (trim(name).empty())
    return fail(ErrorCode::invalid_argument, "the key's name is empty", "name");
  if (name.size() > kKeyNameBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the key's name has {} bytes, at most {} are allowed", name.size(),
                            kKeyNameBytesMax),
                "name");
  while (!name.empty()) {
    const auto c = take_code_point(name);
    if (!c || *c < 0x20 || (*c >= 0x7F && *c <= 0x9F))
      return fail(ErrorCode::invalid_argument,
                  "the key's name has a control character or broken UTF-8", "name");
  }
  return {};
}

}  // namespace

KeyService::KeyService(KeyStore& store, const Clock& clock, KeyServiceOptions options)
    : store_(store), clock_(clock), options_(std::move(options)) {}

Result<NewKey> KeyService::create(std::string_view name) {
  TRY(check_name(name));
  NewKey key =
      make_key({.prefix = options_.prefix, .name = name, .pepper = options_.pepper}, clock_);
  TRY(store_.insert(key.row));
  log(LogLevel::info, "key_created", "id={}", key.row.id);
  return key;
}

Result<std::vector<ApiKey>> KeyService::list() { return store_.list(); }

Result<void> KeyService::remove(std::string_view id) {
  TRY(store_.remove(id));
  log(LogLevel::info, "key_removed", "id={}", id);
  return {};
}

Result<Caller> KeyService::authenticate(std::optional<std::string_view> authorization) {
  const std::string_view token = bearer_token(authorization.value_or(""));
  if (token.empty()) {
    return tl::unexpected(Error{.code = ErrorCode::unauthenticated,
                                .message = "No credentials presented.",
                                .reason = ErrorReason::no_credentials});
  }
  const auto refuse = [token](std::string detail) {
    return tl::unexpected(
        Error{.code = ErrorCode::unauthenticated,
              .message = fmt::format("Incorrect API key provided: {}.", masked_key(token)),
              .detail = std::move(detail),
              .reason = ErrorReason::bad_credentials});
  };
  const auto parsed = parse_key(token, options_.prefix);
  if (!parsed) return refuse(parsed.error().detail);  // without a look into the store
  auto key = store_.find(parsed->id);
  if (!key && key.error().code == ErrorCode::not_found) return refuse("unknown id");
  if (!key) return tl::unexpected(std::move(key.error()));
  if (!equal_constant_time(key->hash, key_hash(parsed->secret, options_.pepper)))
    return refuse("wrong secret");
  if (key->disabled) return refuse("disabled");
  note_use(*key);
  return Caller{.owner = {.org_id = key->org_id, .team_id = key->team_id, .key_id = key->id},
                .scopes = key->scopes};
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
