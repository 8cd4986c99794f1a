#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

/// What a key may be used for.
enum class Scope : std::uint8_t { images, models, edits, files, videos };

/// "image:generate", "image:edit", "video:generate": as in the database and on the command line.
std::string_view to_string(Scope scope);

/// A set of scopes. A key with all of them has those of later programs too.
class ScopeSet {
 public:
  /// None.
  ScopeSet() = default;
  static ScopeSet all();

  ScopeSet& add(Scope scope);
  bool has(Scope scope) const;
  bool operator==(const ScopeSet&) const = default;

  /// As stored: "all", or words with commas between.
  std::string text() const;
  /// Of what `text` wrote. A word that only a newer program knows grants nothing here.
  static ScopeSet parse(std::string_view text);

 private:
  bool all_ = false;
  std::uint32_t bits_ = 0;
};

/// What somebody wishes for a new key: "all", or words with commas between. `invalid_argument`,
/// field "scopes": the wrong word and the right ones.
Result<ScopeSet> parse_scopes(std::string_view text);

}  // namespace imagined::service
