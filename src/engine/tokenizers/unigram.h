// SentencePiece's unigram model: cuts a text into the pieces whose probabilities multiply to most.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::engine {

struct UnigramPiece {
  std::string text;
  double score = 0;  // natural logarithm of the probability
};

/// Pieces and their scores. Built once, then immutable and shared by threads.
class Unigram {
 public:
  /// pieces: by id. unknown_id: what stands for a character that no piece holds.
  /// Errors, `invalid_argument`: no pieces, an empty, too long or repeated piece, a score that is
  /// no finite number, an unknown_id that is no piece's; they name the piece.
  static Result<Unigram> build(std::vector<UnigramPiece> pieces, std::int32_t unknown_id);

  /// Appends the ids of the best cut of a word (valid UTF-8), found by Viterbi's algorithm: the sum
  /// of the scores is largest, and of equals the one whose last piece is longest. A
  /// character without a piece scores 10 below the lowest score; neighbours among them share one
  /// id. Time grows with the word's length times that of the longest piece.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const;

  const std::vector<UnigramPiece>& pieces() const { return pieces_; }

 private:
  /// A node of the trie of all pieces; a node's children stand side by side, ordered by byte.
  struct Node {
    std::int32_t first_child = 0;
    std::int32_t piece = -1;  // the piece that ends here
    std::uint16_t child_count = 0;
    unsigned char byte = 0;
  };
  void build_trie(const std::vector<std::int32_t>& sorted);
  const Node* child(const Node& node, unsigned char byte) const;

  std::vector<UnigramPiece> pieces_;
  std::vector<Node> nodes_;
  std::int32_t unknown_id_ = 0;
  double unknown_score_ = 0;
};

}  // namespace imagined::engine
