// The audit log: who did what to whom, one row a deed, each with the hash of the row before it. A
// row that is changed, swapped, inserted or deleted breaks the chain at that row; what is cut from
// the end is missed by the head, which is kept beside the chain under a secret of this server.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace imagined::service {

/// What is written down of a change, in the commit that makes it.
struct Deed {
  std::string actor;   // "key:Ab3dE6gH9jKl", "command line", "server"
  std::string action;  // "key.create"
  std::string target;  // "key:Ab3dE6gH9jKl"
  std::string team_id;
  std::string detail;      // what is new, never a secret; at most kAuditDetailBytesMax bytes
  std::string request_id;  // empty on the command line
};

inline constexpr std::size_t kAuditDetailBytesMax = 4096;

struct AuditEvent {
  std::int64_t sequence = 0;  // from 1, without gaps
  std::int64_t at_ms = 0;
  Deed deed;
  std::string hash;  // of the row before it and of this row, hex
};

/// SHA-256 in hex over the hash before and every field with its length. The first row follows "".
std::string audit_hash(const AuditEvent& event, std::string_view hash_before);

/// The end of the chain, under a secret: HMAC-SHA-256 over its sequence and hash, hex.
std::string audit_head_mac(std::int64_t sequence, std::string_view hash, std::string_view secret);

/// Reads a chain row by row, in the order of the sequence.
class AuditCheck {
 public:
  /// False: this row is not the one that was written here. The first such row is named.
  bool next(const AuditEvent& event);
  /// The head as it is kept; false when the chain does not end there.
  bool end(std::int64_t sequence, std::string_view mac, std::string_view secret);

  std::optional<std::int64_t> first_bad() const { return first_bad_; }

 private:
  bool note_bad(std::int64_t sequence);

  std::int64_t sequence_ = 0;
  std::string hash_;
  std::optional<std::int64_t> first_bad_;
};

}  // namespace imagined::service
