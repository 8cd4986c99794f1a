#include "storage/memory/memory_session_store.h"

#include <algorithm>
#include <vector>

namespace imagined::storage {

using service::Login;
using service::Session;

Result<void> MemorySessionStore::put_login(const Login& login, const service::Deed& deed) {
  const std::lock_guard lock(mutex_);
  for (const auto& [person_id, other] : logins_)
    if (other.name == login.name && person_id != login.person_id &&
        are_of_one_team(login.person_id, person_id))
      return fail(ErrorCode::already_exists, "this name is taken");
  logins_[login.person_id] = login;
  std::erase_if(sessions_,
                [&](const auto& each) { return each.second.person_id == login.person_id; });
  keys_.append(deed);
  return {};
}

bool MemorySessionStore::are_of_one_team(std::string_view person_id, std::string_view other_id) {
  const auto person = keys_.find(person_id);
  const auto other = keys_.find(other_id);
  return person && other && other->revoked_ms == 0 && person->org_id == other->org_id &&
         person->team_id == other->team_id;
}

Result<std::vector<Login>> MemorySessionStore::logins_named(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::vector<Login> logins;
  for (const auto& [person_id, login] : logins_)
    if (login.name == name) logins.push_back(login);
  return logins;
}

Result<Login> MemorySessionStore::login_of(std::string_view person_id) {
  const std::lock_guard lock(mutex_);
  const auto found = logins_.find(person_id);
  if (found == logins_.end()) return fail(ErrorCode::not_found, "no such login");
  return found->second;
}

Result<void> MemorySessionStore::begin(const Session& session, int sessions_max,
                                       const service::Deed& deed) {
  const std::lock_guard lock(mutex_);
  std::vector<Session> others;
  for (const auto& [hash, each] : sessions_)
    if (each.person_id == session.person_id) others.push_back(each);
  std::ranges::sort(others, std::greater<>(), &Session::created_ms);
  for (std::size_t i = static_cast<std::size_t>(sessions_max) - 1; i < others.size(); ++i)
    sessions_.erase(others[i].hash);
  sessions_[session.hash] = session;
  keys_.append(deed);
  return {};
}

Result<Session> MemorySessionStore::find(std::string_view hash) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(hash);
  if (found == sessions_.end()) return fail(ErrorCode::not_found, "no such session");
  return found->second;
}

Result<void> MemorySessionStore::note_use(std::string_view hash, std::int64_t used_ms) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(hash);
  if (found != sessions_.end()) found->second.used_ms = used_ms;
  return {};
}

Result<bool> MemorySessionStore::end(std::string_view hash, const service::Deed& deed) {
  const std::lock_guard lock(mutex_);
  if (sessions_.erase(std::string(hash)) == 0) return false;
  keys_.append(deed);
  return true;
}

Result<int> MemorySessionStore::remove_over(const Over& over, int count_max) {
  const std::lock_guard lock(mutex_);
  int removed = 0;
  std::erase_if(sessions_, [&](const auto& each) {
    const Session& session = each.second;
    const bool is_over =
        session.created_ms < over.created_before_ms || session.used_ms < over.used_before_ms;
    if (!is_over || removed == count_max) return false;
    ++removed;
    return true;
  });
  return removed;
}

}  // namespace imagined::storage
