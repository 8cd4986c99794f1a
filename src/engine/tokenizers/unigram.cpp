#include "engine/tokenizers/unigram.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/utf8.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

// Far above published models (T5: 16 characters, 0.2 MB in all); they bound time and memory.
constexpr std::size_t kMaxPieceBytes = 512;
constexpr std::size_t kMaxPiecesBytes = 8 << 20;

constexpr double kUnknownPenalty = 10;

tl::unexpected<Error> wrong(std::size_t id, std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("piece {} {}", id, what));
}

Result<> check_pieces(const std::vector<UnigramPiece>& pieces) {
  std::size_t total_bytes = 0;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const UnigramPiece& piece = pieces[id];
    total_bytes += piece.text.size();
    if (piece.text.empty()) return wrong(id, "is empty");
    if (piece.text.size() > kMaxPieceBytes)
      return wrong(id, fmt::format("has {} bytes, {} allowed", piece.text.size(), kMaxPieceBytes));
    if (!is_utf8(piece.text)) return wrong(id, "is not UTF-8");
    if (!std::isfinite(piece.score)) return wrong(id, "has a score that is no finite number");
  }
  if (total_bytes > kMaxPiecesBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("pieces of {} bytes, {} allowed", total_bytes, kMaxPiecesBytes));
  return {};
}

/// The best cut of the text up to some place: its last piece, and where that began.
struct Best {
  double score = 0;
  std::int64_t begin = -1;  // -1 where no cut reaches
  std::int32_t id = 0;
};

}  // namespace

Result<Unigram> Unigram::build(std::vector<UnigramPiece> pieces, std::int32_t unknown_id) {
  if (pieces.empty()) return fail(ErrorCode::invalid_argument, "no pieces");
  if (unknown_id < 0 || static_cast<std::size_t>(unknown_id) >= pieces.size())
    return fail(ErrorCode::invalid_argument,
                fmt::format("the unknown piece's id is {} of {}", unknown_id, pieces.size()));
  TRY(check_pieces(pieces));
  std::vector<std::int32_t> sorted(pieces.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  const auto text_of = [&](std::int32_t id) -> const std::string& {
    return pieces[static_cast<std::size_t>(id)].text;
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](std::int32_t a, std::int32_t b) { return text_of(a) < text_of(b); });
  const auto twin =
      std::adjacent_find(sorted.begin(), sorted.end(),
                         [&](std::int32_t a, std::int32_t b) { return text_of(a) == text_of(b); });
  if (twin != sorted.end())
    return wrong(static_cast<std::size_t>(twin[1]),
                 fmt::format("\"{}\" is piece {} too", text_of(twin[1]), twin[0]));
  const auto lowest = std::min_element(
      pieces.begin(), pieces.end(), [](const auto& a, const auto& b) { return a.score < b.score; });
  Unigram model;
  model.unknown_id_ = unknown_id;
  model.unknown_score_ = lowest->score - kUnknownPenalty;
  model.pieces_ = std::move(pieces);
  model.build_trie(sorted);
  return model;
}

void Unigram::build_trie(const std::vector<std::int32_t>& sorted) {
  /// The pieces that begin as a node says: sorted[begin, end).
  struct Range {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };
  std::vector<Range> ranges = {{0, sorted.size(), 0}};  // of nodes_, one each
  nodes_.emplace_back();
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    Range range = ranges[node];
    const auto text = [&](std::size_t i) -> const std::string& {
      return pieces_[static_cast<std::size_t>(sorted[i])].text;
    };
    if (text(range.begin).size() == range.depth) nodes_[node].piece = sorted[range.begin++];
    nodes_[node].first_child = static_cast<std::int32_t>(nodes_.size());
    while (range.begin < range.end) {
      const char byte = text(range.begin)[range.depth];
      std::size_t end = range.begin;
      while (end < range.end && text(end)[range.depth] == byte) ++end;
      ranges.push_back({range.begin, end, range.depth + 1});
      nodes_.push_back({.byte = static_cast<unsigned char>(byte)});
      ++nodes_[node].child_count;
      range.begin = end;
    }
  }
}

const Unigram::Node* Unigram::child(const Node& node, unsigned char byte) const {
  const auto begin = nodes_.begin() + node.first_child;
  const auto end = begin + node.child_count;
  const auto found =
      std::lower_bound(begin, end, byte, [](const Node& a, unsigned char b) { return a.byte < b; });
  return found == end || found->byte != byte ? nullptr : &*found;
}

void Unigram::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  std::vector<Best> best(word.size() + 1);
  best[0].begin = 0;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t character_bytes = first_code_point(word.substr(at)).size_bytes;
    const auto reach = [&](std::size_t end, double score, std::int32_t id) {
      const double sum = best[at].score + score;
      if (best[end].begin < 0 || sum > best[end].score)
        best[end] = {sum, static_cast<std::int64_t>(at), id};
    };
    bool has_character = false;  // a piece that is this character alone
    const Node* node = &nodes_[0];
    for (std::size_t end = at; end < word.size();) {
      node = child(*node, static_cast<unsigned char>(word[end]));
      if (node == nullptr) break;
      ++end;
      if (node->piece < 0) continue;
      reach(end, pieces_[static_cast<std::size_t>(node->piece)].score, node->piece);
      has_character = has_character || end == at + character_bytes;
    }
    if (!has_character) reach(at + character_bytes, unknown_score_, unknown_id_);
    at += character_bytes;
  }
  const std::size_t old_count = ids.size();
  for (std::size_t end = word.size(); end > 0; end = static_cast<std::size_t>(best[end].begin)) {
    const bool fused =
        best[end].id == unknown_id_ && ids.size() > old_count && ids.back() == unknown_id_;
    if (!fused) ids.push_back(best[end].id);
  }
  std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(old_count), ids.end());
}

}  // namespace imagined::engine
