#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/audit.h"

namespace imagined::service {

/// How a person signs in to the console.
struct Login {
  std::string person_id;  // of the management key
  std::string name;       // in lower case; no two people of a team have the same
  std::string hash;       // of the password
  std::int64_t changed_ms = 0;

  bool operator==(const Login&) const = default;
};

/// A person who is signed in. Its token is known to the person's browser alone.
struct Session {
  std::string hash;  // SHA-256 of the token, hex
  std::string person_id;
  std::int64_t created_ms = 0;
  std::int64_t used_ms = 0;  // exact to a minute

  bool operator==(const Session&) const = default;
};

/// Keeps passwords, as hashes, and sessions; what is done to them stands in the audit log from the
/// same commit on. Thread-safe; calls block; any may fail with `unavailable`, `storage_full`,
/// `data_loss`.
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  /// In the place of the person's login before, whose sessions end. `already_exists` when another
  /// person of the same team has the name, who is not revoked; what other teams have says nothing.
  virtual Result<void> put_login(const Login& login, const Deed& deed) = 0;
  /// Of all teams, in the order of their people's ids.
  virtual Result<std::vector<Login>> logins_named(std::string_view name) = 0;
  /// By person; `not_found`.
  virtual Result<Login> login_of(std::string_view person_id) = 0;

  /// The oldest of the person's sessions end when there are more than `sessions_max`.
  virtual Result<void> begin(const Session& session, int sessions_max, const Deed& deed) = 0;
  /// `not_found`.
  virtual Result<Session> find(std::string_view hash) = 0;
  /// One that is gone is passed over.
  virtual Result<void> note_use(std::string_view hash, std::int64_t used_ms) = 0;
  /// Whether it was there.
  virtual Result<bool> end(std::string_view hash, const Deed& deed) = 0;

  /// Which sessions are over by themselves.
  struct Over {
    std::int64_t created_before_ms = 0;
    std::int64_t used_before_ms = 0;
  };
  /// Removes up to `count_max` of them; how many.
  virtual Result<int> remove_over(const Over& over, int count_max) = 0;
};

}  // namespace imagined::service
