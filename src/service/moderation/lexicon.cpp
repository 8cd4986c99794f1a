#include "service/moderation/lexicon.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "service/moderation/letters.h"

namespace imagined::service {
namespace {

// One doubled letter makes another short word ("met", "meet"); of long ones it is a spelling.
constexpr int kDoubledLettersMin = 6;
// Short words are other words backwards ("live", "evil").
constexpr int kBackwardsLettersMin = 5;

std::uint64_t edge_of(int state, char32_t family) {
  return static_cast<std::uint64_t>(state) << 32 | family;
}

bool is_space(const LetterRun& run) { return run.family == U' '; }

// A digit or sign beside a letter may be one more letter, or not; beside another, it is a number's.
bool may_part(char32_t outside, char32_t inside) {
  return is_stand_in(outside) && !is_stand_in(inside);
}
bool may_begin(const LetterRuns& reading, std::size_t begin) {
  const LetterRun& first = reading[begin];
  return first.begins_word || begin == 0 ||
         may_part(reading[begin - 1].letters.back(), first.letters.front());
}
bool may_end(const LetterRuns& reading, std::size_t end) {
  const LetterRun& last = reading[end - 1];
  return last.ends_word || end == reading.size() ||
         may_part(reading[end].letters.front(), last.letters.back());
}

LetterRuns without_spaces(const LetterRuns& reading) {
  LetterRuns joined;
  for (const LetterRun& run : reading) {
    if (is_space(run)) continue;
    if (!joined.empty() && joined.back().family == run.family) {
      joined.back().letters += run.letters;
    } else {
      joined.push_back(run);
    }
  }
  return joined;
}

// Whether `written` is `wanted` with some letters more than once in a row: position by position,
// which letters of `wanted` the next one may be.
bool is_stretched(std::u32string_view written, std::u32string_view wanted) {
  if (is_stand_in(wanted.front())) return written == wanted;  // a number is another one then
  std::vector<bool> may_be(wanted.size(), false);
  may_be[0] = may_mean(written[0], wanted[0]);
  for (const char32_t letter : written.substr(1))
    for (std::size_t j = wanted.size(); j-- > 0;)
      may_be[j] = (may_be[j] || (j > 0 && may_be[j - 1])) && may_mean(letter, wanted[j]);
  return may_be.back();
}

}  // namespace

Result<std::shared_ptr<const Lexicon>> Lexicon::make(std::vector<LexicalRule> rules,
                                                     const std::vector<std::string>& harmless) {
  const std::shared_ptr<Lexicon> lexicon(new Lexicon);
  for (std::size_t rule = 0; rule < rules.size(); ++rule) {
    const auto& lists = rules[rule].one_of_each;
    for (std::size_t list = 0; list < lists.size(); ++list)
      for (const std::string& term : lists[list])
        TRY(lexicon->add(term, static_cast<int>(rule), static_cast<int>(list)));
  }
  for (const std::string& term : harmless) TRY(lexicon->add(term, -1, 0));
  lexicon->rules_ = std::move(rules);
  lexicon->link_states();
  return std::shared_ptr<const Lexicon>(lexicon);
}

Result<void> Lexicon::add(std::string_view text, int rule, int list) {
  const bool any_ending = text.ends_with('*');
  Term term{.letters = read_letters(any_ending ? text.substr(0, text.size() - 1) : text),
            .any_ending = any_ending,
            .rule = rule,
            .list = list};
  for (const LetterRun& run : term.letters)
    if (!is_space(run)) term.letter_count += static_cast<int>(run.letters.size());
  if (term.letter_count < 2)
    return fail(ErrorCode::invalid_argument,
                fmt::format("\"{}\" is no term: two letters are the least", text));
  Term joined = term;
  joined.letters = without_spaces(term.letters);
  if (joined.letters != term.letters) add_letters(std::move(joined));
  add_letters(std::move(term));
  return {};
}

void Lexicon::add_letters(Term term) {
  int state = 0;
  for (const LetterRun& run : term.letters) {
    const auto [edge, is_new] =
        edges_.try_emplace(edge_of(state, run.family), static_cast<int>(states_.size()));
    if (is_new) states_.push_back({.depth = states_[static_cast<std::size_t>(state)].depth + 1});
    state = edge->second;
  }
  states_[static_cast<std::size_t>(state)].terms.push_back(static_cast<int>(terms_.size()));
  terms_.push_back(std::move(term));
}

int Lexicon::step(int state, char32_t family) const {
  while (true) {
    const auto edge = edges_.find(edge_of(state, family));
    if (edge != edges_.end()) return edge->second;
    if (state == 0) return 0;
    state = states_[static_cast<std::size_t>(state)].fallback;
  }
}

// A state falls back to the longest other one that its letters end with; those are less deep, so
// states are linked in the order of their depth.
void Lexicon::link_states() {
  struct Link {
    int from;
    char32_t family;
    int to;
  };
  std::vector<Link> links;
  for (const auto& [edge, to] : edges_)
    links.push_back({static_cast<int>(edge >> 32), static_cast<char32_t>(edge), to});
  std::ranges::sort(links, {}, [this](const Link& link) {
    return states_[static_cast<std::size_t>(link.to)].depth;
  });
  for (const auto& [from, family, to] : links) {
    State& state = states_[static_cast<std::size_t>(to)];
    if (from != 0) state.fallback = step(states_[static_cast<std::size_t>(from)].fallback, family);
    const State& fallback = states_[static_cast<std::size_t>(state.fallback)];
    state.next_with_terms = fallback.terms.empty() ? fallback.next_with_terms : state.fallback;
  }
}

// The families fit; now the letters and how often each is written. A letter may stand there more
// often than in the term when nobody writes words so: three times and more, all of them doubled, or
// the term is long. What has no letter, but numbers alone, is a number.
bool Lexicon::is_spelled(const Term& term, const LetterRuns& reading, std::size_t begin) const {
  bool any_letter = false;
  bool any_longer = false;
  bool all_doubled = true;
  for (std::size_t i = 0; i < term.letters.size(); ++i) {
    const LetterRun& wanted = term.letters[i];
    if (is_space(wanted)) continue;
    std::u32string_view written = reading[begin + i].letters;
    const bool goes_on = term.any_ending && i + 1 == term.letters.size();
    if (goes_on) written = written.substr(0, wanted.letters.size());
    if (written.size() < wanted.letters.size() || !is_stretched(written, wanted.letters))
      return false;
    any_longer = any_longer || (written.size() == 2 && wanted.letters.size() == 1);
    all_doubled = all_doubled && written.size() >= 2 * wanted.letters.size();
    any_letter =
        any_letter || written == wanted.letters || !std::ranges::all_of(written, is_stand_in);
  }
  return any_letter && (!any_longer || all_doubled || term.letter_count >= kDoubledLettersMin);
}

std::vector<Lexicon::Hit> Lexicon::hits_in(const LetterRuns& reading) const {
  std::vector<Hit> hits;
  int state = 0;
  for (std::size_t i = 0; i < reading.size(); ++i) {
    state = step(state, reading[i].family);
    for (int at = state; at != 0; at = states_[static_cast<std::size_t>(at)].next_with_terms) {
      for (const int index : states_[static_cast<std::size_t>(at)].terms) {
        const Term& term = terms_[static_cast<std::size_t>(index)];
        const Hit hit{index, i + 1 - term.letters.size(), i + 1};
        if (may_begin(reading, hit.begin) && (term.any_ending || may_end(reading, hit.end)) &&
            is_spelled(term, reading, hit.begin))
          hits.push_back(hit);
      }
    }
  }
  return hits;
}

Result<std::vector<std::string>> Lexicon::broken_by(std::string_view text) const {
  std::vector<std::set<int>> found(rules_.size());  // by rule: the lists with a term in the text
  const Readings readings = TRY(all_readings(text));
  const auto look = [&](const LetterRuns& reading, int letters_min) {
    const std::vector<Hit> hits = hits_in(reading);
    std::vector<Hit> harmless;
    std::ranges::copy_if(hits, std::back_inserter(harmless),
                         [this](const Hit& hit) { return term_of(hit).rule < 0; });
    const auto is_harmless = [&](const Hit& hit) {
      return std::ranges::any_of(harmless, [&](const Hit& other) {
        return other.begin <= hit.begin && other.end >= hit.end;
      });
    };
    for (const Hit& hit : hits) {
      const Term& term = term_of(hit);
      if (term.rule < 0 || term.letter_count < letters_min || is_harmless(hit)) continue;
      found[static_cast<std::size_t>(term.rule)].insert(term.list);
    }
  };
  for (const LetterRuns& reading : readings.forwards) look(reading, 0);
  const int backwards_min = readings.shown_backwards ? 0 : kBackwardsLettersMin;
  for (const LetterRuns& reading : readings.backwards) look(reading, backwards_min);
  std::vector<std::string> categories;
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    const LexicalRule& broken = rules_[rule];
    if (found[rule].size() < broken.one_of_each.size() || broken.one_of_each.empty()) continue;
    if (std::ranges::find(categories, broken.category) == categories.end())
      categories.push_back(broken.category);
  }
  return categories;
}

}  // namespace imagined::service
