#include "engine/tokenizers/bpe.h"

#include <algorithm>
#include <queue>

#include "base/utf8.h"

namespace imagined::engine {
namespace {

std::array<std::string, 256> make_symbols() {
  // Printable bytes of Latin-1 stand for themselves, the others for U+0100 and up, in order.
  std::array<std::string, 256> symbols;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
                           (byte >= 0xae && byte <= 0xff);
    const unsigned code_point = printable ? byte : next++;
    append_utf8(code_point, symbols[byte]);
  }
  return symbols;
}

constexpr std::int32_t kNone = -1;

// A symbol of the word being merged, linked to its neighbours; id is kNone once it is merged away.
struct Symbol {
  std::int32_t id = kNone;
  std::int32_t previous = kNone;
  std::int32_t next = kNone;
};

// A possible merge of the symbol at `left` with its right neighbour.
struct Candidate {
  std::int32_t rank = 0;
  std::int32_t left = 0;
  std::int32_t result = 0;
};
struct WorstFirst {  // so that the heap's top is the lowest rank, then the leftmost
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  }
};

}  // namespace

std::string_view byte_symbol(std::uint8_t byte) {
  static const std::array<std::string, 256> symbols = make_symbols();
  return symbols[byte];
}

void Bpe::reserve(std::size_t tokens, std::size_t merges) {
  tokens_.reserve(tokens);
  rules_.reserve(merges);
}

void Bpe::add_token(std::string token, std::int32_t id) {
  tokens_.insert_or_assign(std::move(token), id);
}

Bpe::MergeError Bpe::add_merge(std::string_view left, std::string_view right) {
  std::string text(left);
  const auto left_token = tokens_.find(text);
  if (left_token == tokens_.end()) return MergeError::left_unknown;
  const auto right_token = tokens_.find(std::string(right));
  if (right_token == tokens_.end()) return MergeError::right_unknown;
  text += right;
  const auto result = tokens_.find(text);
  if (result == tokens_.end()) return MergeError::result_unknown;
  rules_.insert_or_assign(pair_key(left_token->second, right_token->second),
                          Rule{next_rank_++, result->second});
  return MergeError::none;
}

void Bpe::finish(std::string_view end_of_word_suffix) {
  const auto id_of = [&](const std::string& spelled) {
    const auto token = tokens_.find(spelled);
    return token == tokens_.end() ? kNone : token->second;
  };
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string spelled(byte_symbol(static_cast<std::uint8_t>(byte)));
    byte_ids_[byte] = id_of(spelled);
    last_byte_ids_[byte] = id_of(spelled.append(end_of_word_suffix));
  }
}

const Bpe::Rule* Bpe::rule(std::int32_t left, std::int32_t right) const {
  const auto found = rules_.find(pair_key(left, right));
  return found == rules_.end() ? nullptr : &found->second;
}

void Bpe::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (ignore_merges_) {
    std::string spelled;
    for (const char c : word) spelled += byte_symbol(static_cast<std::uint8_t>(c));
    if (const auto token = tokens_.find(spelled); token != tokens_.end()) {
      ids.push_back(token->second);
      return;
    }
  }
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) {
    const auto& byte_ids = i + 1 < word.size() ? byte_ids_ : last_byte_ids_;
    const std::int32_t known = byte_ids[static_cast<std::uint8_t>(word[i])];
    const std::int32_t id = known == kNone ? unknown_id_ : known;
    if (id == kNone) continue;
    const auto index = static_cast<std::int32_t>(symbols.size());
    if (index > 0) symbols.back().next = index;
    symbols.push_back({id, index - 1, kNone});
  }
  std::priority_queue<Candidate, std::vector<Candidate>, WorstFirst> heap;
  const auto at = [&](std::int32_t index) -> Symbol& {
    return symbols[static_cast<std::size_t>(index)];
  };
  const auto consider = [&](std::int32_t left) {
    if (left == kNone || at(left).next == kNone) return;
    if (const Rule* found = rule(at(left).id, at(at(left).next).id))
      heap.push({found->rank, left, found->result});
  };
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(symbols.size()); ++i) consider(i);
  while (!heap.empty()) {
    const Candidate best = heap.top();
    heap.pop();
    Symbol& left = at(best.left);
    if (left.id == kNone || left.next == kNone) continue;
    Symbol& right = at(left.next);
    // A neighbour may have changed since this was put on the heap.
    const Rule* still = rule(left.id, right.id);
    if (still == nullptr || still->rank != best.rank) continue;
    left.id = best.result;
    left.next = right.next;
    right.id = kNone;
    if (left.next != kNone) at(left.next).previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  for (const Symbol& symbol : symbols)
    if (symbol.id != kNone) ids.push_back(symbol.id);
}

}  // namespace imagined::engine
