#include "service/accounts/sessions.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"
#include "service/accounts/password.h"

namespace imagined::service {
namespace {

constexpr std::size_t kSessionLetters = 43;       // 256 bits
constexpr std::int64_t kSeenIntervalMs = 60'000;  // the last use is exact to this

// A person mistypes; a guesser has all day.
constexpr Window kAttemptsOfName{5, 60'000};
constexpr Window kAttemptsFromAddress{20, 60'000};

tl::unexpected<Error> refused(std::string message, std::string detail) {
  return tl::unexpected<Error>(Error{.code = ErrorCode::unauthenticated,
                                     .message = std::move(message),
                                     .detail = std::move(detail),
                                     .reason = ErrorReason::bad_credentials});
}

tl::unexpected<Error> over(std::string detail) {
  return refused("You are not signed in any more; sign in again.", std::move(detail));
}

Deed deed_of(const ApiKey& person, std::string_view action, std::string_view request_id) {
  return {.actor = fmt::format("key:{}", person.id),
          .action = std::string(action),
          .target = fmt::format("key:{}", person.id),
          .team_id = person.team_id,
          .request_id = std::string(request_id)};
}

std::string hash_of(std::string_view token) { return to_hex(sha256(token)); }

}  // namespace

std::string csrf_token(std::string_view session_token) {
  const std::span key(reinterpret_cast<const std::uint8_t*>(session_token.data()),
                      session_token.size());
  return to_hex(hmac_sha256(key, "csrf"));
}

Result<void> Sessions::draw_attempt(std::string_view name, std::string_view from) {
  const std::array<Draw, 2> draws = {
      Draw{.bucket = fmt::format("sign-in from:{}", from),
           .rules = {{.name = "rpm", .window = kAttemptsFromAddress}}},
      Draw{.bucket = fmt::format("sign-in name:{}", name),
           .rules = {{.name = "rpm", .window = kAttemptsOfName}}}};
  const Verdict verdict = TRY(parts_.limits.take(draws));
  if (verdict.admitted) return {};
  const std::int64_t wait_ms = verdict.wait_ms.value_or(0);
  return tl::unexpected<Error>(Error{
      .code = ErrorCode::resource_exhausted,
      .message =
          fmt::format("Too many attempts to sign in; try again in {} s.", retry_after_s(wait_ms)),
      .retry_after_ms = wait_ms});
}

Sha256 Sessions::salt_of(std::string_view name) const {
  return parts_.keys.secret_for(fmt::format("login {}", name));
}

Result<std::string> Sessions::hashed(std::string_view name, std::string_view password) {
  const Sha256 salt = salt_of(name);
  const std::lock_guard lock(hashing_);
  return hash_password(password, cost_, std::span(salt).first<kSaltBytes>());
}

Result<bool> Sessions::is_right(const std::string& hash, std::string_view password) {
  const std::lock_guard lock(hashing_);
  return is_password(hash, password);
}

Result<std::vector<const Login*>> Sessions::with_password(std::string_view name,
                                                          std::span<const Login> logins,
                                                          std::string_view password) {
  const Sha256 salt = salt_of(name);
  std::string salt_text = to_base64(std::span(salt).first<kSaltBytes>());
  salt_text.resize(salt_text.find('='));
  const auto has_names_salt = [&](const Login& login) {
    return login.hash.find("$" + salt_text + "$") != std::string::npos;
  };
  std::string hash;
  if (logins.empty() || std::ranges::any_of(logins, has_names_salt))
    hash = TRY(hashed(name, password));
  std::vector<const Login*> right;
  for (const Login& login : logins) {
    // An older one has a salt of its own.
    const bool is_its =
        same_salt(login.hash, hash) ? login.hash == hash : TRY(is_right(login.hash, password));
    if (is_its) right.push_back(&login);
  }
  return right;
}

Result<ApiKey> Sessions::first_usable(std::span<const Login* const> logins) {
  std::optional<Error> why;
  for (const Login* login : logins) {
    ApiKey person = TRY(parts_.keys.find(login->person_id));
    const auto may = check_usable(person, parts_.clock.unix_ms());
    if (may) return person;
    if (!why) why = may.error();
  }
  return tl::unexpected(std::move(*why));
}

Result<Sessions::Begun> Sessions::sign_in(const Attempt& attempt) {
  const std::string name = TRY(parse_login_name(attempt.name));
  TRY(draw_attempt(name, attempt.from));
  if (attempt.password.size() > kPasswordBytesMax)
    return refused("This name and password are not known together.", "too long");
  const std::vector<Login> logins = TRY(parts_.store.logins_named(name));
  const auto right = TRY(with_password(name, logins, attempt.password));
  if (right.empty()) {
    log(LogLevel::warn, "sign_in_refused", "request_id={} client={} name={:?} known={}",
        attempt.request_id, attempt.from, name, !logins.empty());
    return refused("This name and password are not known together.", "");
  }
  return begin(TRY(first_usable(right)), attempt.request_id);
}

Result<Sessions::Begun> Sessions::begin(const Visit& visit) {
  TRY(enter(visit, Role::member));
  return begin(TRY(parts_.keys.find(visit.caller.owner.key_id)), visit.request_id);
}

Result<Sessions::Begun> Sessions::begin(const ApiKey& person, std::string_view request_id) {
  const std::int64_t now_ms = parts_.clock.unix_ms();
  Begun begun{.token = random_base62(kSessionLetters),
              .person = person,
              .ends_ms = now_ms + kSessionLifeMs};
  TRY(parts_.store.begin({.hash = hash_of(begun.token),
                          .person_id = person.id,
                          .created_ms = now_ms,
                          .used_ms = now_ms},
                         kSessionsPerPersonMax, deed_of(person, "session.begin", request_id)));
  return begun;
}

Result<Session> Sessions::find(std::string_view token) {
  auto session = parts_.store.find(hash_of(token));
  if (!session && session.error().code == ErrorCode::not_found) return over("unknown session");
  if (!session) return session;
  const std::int64_t now_ms = parts_.clock.unix_ms();
  if (now_ms >= session->created_ms + kSessionLifeMs) return over("too old");
  if (now_ms >= session->used_ms + kSessionIdleMs) return over("idle");
  return session;
}

Result<Caller> Sessions::authenticate(std::string_view token) {
  const Session session = TRY(find(token));
  const std::int64_t now_ms = parts_.clock.unix_ms();
  ApiKey person = TRY(parts_.keys.find(session.person_id));
  TRY(check_usable(person, now_ms));
  if (!person.role) return over("no person");
  if (now_ms - session.used_ms >= kSeenIntervalMs) TRY(parts_.store.note_use(session.hash, now_ms));
  return Caller{.owner = {.org_id = person.org_id, .team_id = person.team_id, .key_id = person.id},
                .scopes = ScopeSet::all(),
                .models = std::move(person.models),
                .allowance = person.allowance,
                .role = person.role,
                .uses_cache = person.uses_cache,
                .unlabelled = person.unlabelled};
}

Result<std::int64_t> Sessions::ends_ms(std::string_view token) {
  return TRY(find(token)).created_ms + kSessionLifeMs;
}

Result<void> Sessions::sign_out(const Visit& visit, std::string_view token) {
  const ApiKey person = TRY(parts_.keys.find(visit.caller.owner.key_id));
  TRY(parts_.store.end(hash_of(token), deed_of(person, "session.end", visit.request_id)));
  return {};
}

Result<void> Sessions::set_password(const Visit& visit, const PasswordWish& wish) {
  TRY(enter(visit, Role::member));
  const ApiKey person = TRY(parts_.keys.find(visit.caller.owner.key_id));
  const std::string name = TRY(parse_login_name(wish.name));
  TRY(check_password(wish.password, name));
  auto before = parts_.store.login_of(person.id);
  if (!before && before.error().code != ErrorCode::not_found)
    return tl::unexpected(std::move(before.error()));
  if (before && !wish.has_key) {
    TRY(draw_attempt(before->name, person.id));
    if (!TRY(is_right(before->hash, wish.current)))
      return refused("This is not your password until now.", "");
  }
  Login login{.person_id = person.id, .name = name, .changed_ms = parts_.clock.unix_ms()};
  login.hash = TRY(hashed(name, wish.password));
  auto put = parts_.store.put_login(login, deed_of(person, "password.set", visit.request_id));
  if (!put && put.error().code == ErrorCode::already_exists)
    return fail(ErrorCode::invalid_argument,
                fmt::format("somebody else of your team signs in as \"{}\"", name), "name");
  return put;
}

}  // namespace imagined::service
