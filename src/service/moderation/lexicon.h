// Finds terms in a text however they are spelled (reliability.md 4.9, S11): look-alikes of other
// scripts, signs for letters, letters that are doubled, spaced out, hidden or written backwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "service/moderation/readings.h"

namespace imagined::service {

/// The terms of one rule, which a text breaks when it has one term of each list. A rule with one
/// list is a list of forbidden terms.
struct LexicalRule {
  std::string category;
  std::vector<std::vector<std::string>> one_of_each;

  bool operator==(const LexicalRule&) const = default;
};

/// What is looked for, prepared for looking. Immutable, so any thread may use it.
class Lexicon {
 public:
  /// A term is one word or several; `*` at its end stands for any ending. What lies within one of
  /// the `harmless` terms is not found. `invalid_argument` for a term without letters.
  static Result<std::shared_ptr<const Lexicon>> make(std::vector<LexicalRule> rules,
                                                     const std::vector<std::string>& harmless = {});

  /// The categories whose rules a text breaks, in the order of the rules, each once. Linear in the
  /// text. The error is that of `all_readings`.
  Result<std::vector<std::string>> broken_by(std::string_view text) const;

  const std::vector<LexicalRule>& rules() const { return rules_; }

 private:
  Lexicon() = default;

  // A term of a rule's list; of no rule: a harmless one.
  struct Term {
    LetterRuns letters;
    int letter_count = 0;
    bool any_ending = false;
    int rule = -1;
    int list = 0;
  };
  // A state of the Aho-Corasick automaton, whose letters are families of letters.
  struct State {
    int fallback = 0;
    int depth = 0;
    int next_with_terms = 0;  // by fallbacks; 0: none
    std::vector<int> terms;
  };
  struct Hit {
    int term;
    std::size_t begin;  // in the reading
    std::size_t end;
  };

  Result<void> add(std::string_view text, int rule, int list);
  void add_letters(Term term);
  void link_states();
  int step(int state, char32_t family) const;
  bool is_spelled(const Term& term, const LetterRuns& reading, std::size_t begin) const;
  std::vector<Hit> hits_in(const LetterRuns& reading) const;
  const Term& term_of(const Hit& hit) const { return terms_[static_cast<std::size_t>(hit.term)]; }

  std::vector<LexicalRule> rules_;
  std::vector<Term> terms_;
  std::vector<State> states_{State{}};
  std::unordered_map<std::uint64_t, int> edges_;  // state and family to state
};

}  // namespace imagined::service
