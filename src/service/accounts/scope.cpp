#include "service/accounts/scope.h"

#include <algorithm>
#include <array>

namespace imagined::service {
namespace {

struct ScopeRow {
  Scope scope;
  std::string_view word;
};

constexpr std::array kScopes = {
    ScopeRow{Scope::images, "images"},
    ScopeRow{Scope::models, "models"},
};
constexpr std::string_view kAll = "all";

std::uint32_t bit(Scope scope) { return std::uint32_t{1} << static_cast<unsigned>(scope); }

}  // namespace

std::string_view to_string(Scope scope) { return kScopes.at(static_cast<std::size_t>(scope)).word; }

ScopeSet ScopeSet::all() {
  ScopeSet set;
  set.all_ = true;
  return set;
}

ScopeSet& ScopeSet::add(Scope scope) {
  bits_ |= bit(scope);
  return *this;
}

bool ScopeSet::has(Scope scope) const { return all_ || (bits_ & bit(scope)) != 0; }

std::string ScopeSet::text() const {
  if (all_) return std::string(kAll);
  std::string text;
  for (const ScopeRow& row : kScopes) {
    if (!has(row.scope)) continue;
    if (!text.empty()) text += ',';
    text += row.word;
  }
  return text;
}

ScopeSet ScopeSet::parse(std::string_view text) {
  if (text == kAll) return all();
  ScopeSet set;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    for (const ScopeRow& row : kScopes)
      if (row.word == word) set.add(row.scope);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return set;
}

}  // namespace imagined::service
