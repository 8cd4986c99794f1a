#include "service/accounts/audit.h"

#include <fmt/core.h>

#include "base/crypto.h"

namespace imagined::service {

std::string audit_hash(const AuditEvent& event, std::string_view hash_before) {
  std::string text;
  const auto add = [&text](std::string_view field) {
    text += fmt::format("{}:{};", field.size(), field);
  };
  add(hash_before);
  add(fmt::format("{}", event.sequence));
  add(fmt::format("{}", event.at_ms));
  for (const std::string* field : {&event.deed.actor, &event.deed.action, &event.deed.target,
                                   &event.deed.team_id, &event.deed.detail, &event.deed.request_id})
    add(*field);
  return to_hex(sha256(text));
}

std::string audit_head_mac(std::int64_t sequence, std::string_view hash, std::string_view secret) {
  const std::span key(reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size());
  return to_hex(hmac_sha256(key, fmt::format("audit head {} {}", sequence, hash)));
}

bool AuditCheck::note_bad(std::int64_t sequence) {
  if (!first_bad_) first_bad_ = sequence;
  return false;
}

bool AuditCheck::next(const AuditEvent& event) {
  ++sequence_;
  if (event.sequence != sequence_ || event.hash != audit_hash(event, hash_))
    return note_bad(sequence_);
  hash_ = event.hash;
  return true;
}

bool AuditCheck::end(std::int64_t sequence, std::string_view mac, std::string_view secret) {
  if (first_bad_) return false;
  const bool is_right =
      sequence == sequence_ && equal_constant_time(mac, audit_head_mac(sequence_, hash_, secret));
  return is_right || note_bad(sequence_ + 1);
}

}  // namespace imagined::service
