// Tokens that are found in the text as they are, before BPE: <|im_start|> and its like.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace imagined::engine {

/// One entry of `added_tokens`, with Hugging Face's meaning of the flags.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool normalized = false;   // looked for in the normalised text instead of the raw one
  bool left_strip = false;   // takes the whitespace on its left with it
  bool right_strip = false;  // and on its right
  bool single_word = false;  // only where no word character touches it
};

/// Cuts texts at tokens: at each place the longest token wins, from left to right. Immutable once
/// all tokens are added.
class AddedTokens {
 public:
  void add(AddedToken token);

  /// A piece of text between tokens, or (id >= 0) a token.
  struct Piece {
    std::string_view text;
    std::int32_t id = -1;
  };
  /// Time grows with the text's length times that of the longest token.
  std::vector<Piece> split(std::string_view text) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, std::int32_t>> next;  // child nodes by byte
    std::int32_t token = -1;                                   // index into tokens_
  };
  const AddedToken* longest_at(std::string_view text, std::size_t begin) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::array<bool, 256> starts_{};
};

}  // namespace imagined::engine
