#include "service/accounts/scope.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/words.h"

namespace imagined::service {
namespace {

struct ScopeRow {
  Scope scope;
  std::string_view word;
};

constexpr std::array kScopes = {
    ScopeRow{Scope::images, "image:generate"}, ScopeRow{Scope::models, "models:read"},
    ScopeRow{Scope::edits, "image:edit"},      ScopeRow{Scope::files, "files"},
    ScopeRow{Scope::videos, "video:generate"},
};
constexpr std::string_view kAll = "all";

const ScopeRow* find_row(std::string_view word) {
  const auto found = std::ranges::find(kScopes, word, &ScopeRow::word);
  return found == kScopes.end() ? nullptr : &*found;
}

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
  std::vector<std::string> words;
  for (const ScopeRow& row : kScopes)
    if (has(row.scope)) words.emplace_back(row.word);
  return join_words(words);
}

ScopeSet ScopeSet::parse(std::string_view text) {
  if (text == kAll) return all();
  ScopeSet set;
  for (const std::string& word : split_words(text))
    if (const ScopeRow* row = find_row(word)) set.add(row->scope);
  return set;
}

Result<ScopeSet> parse_scopes(std::string_view text) {
  if (text == kAll) return ScopeSet::all();
  const auto refuse = [](std::string_view word) {
    std::string allowed(kAll);
    for (const ScopeRow& row : kScopes) allowed += fmt::format(", {}", row.word);
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("scopes has \"{}\", expected words of: {}", word.substr(0, 60), allowed),
        "scopes");
  };
  if (text.empty()) return refuse(text);
  ScopeSet set;
  for (const std::string& word : split_words(text)) {
    const ScopeRow* row = find_row(word);
    if (row == nullptr) return refuse(word);
    set.add(row->scope);
  }
  return set;
}

}  // namespace imagined::service
