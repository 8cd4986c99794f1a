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

/// A tokenizer's added tokens: those that are looked for in the text as it is, and those that are
/// looked for once it is normalised.
class AddedTokenLists {
 public:
  /// normalize  std::string(std::string_view).
  template <class Normalize>
  void add(AddedToken token, const Normalize& normalize) {
    if (token.normalized) token.content = normalize(token.content);
    AddedTokens& list = token.normalized ? normalized_ : raw_;
    list.add(std::move(token));
  }

  /// The ids of a text: of the tokens in it and, for the normalised text between them, what
  /// encode_words(text, at_start, ids) appends; at_start: nothing stands before.
  template <class Normalize, class EncodeWords>
  std::vector<std::int32_t> encode(std::string_view text, const Normalize& normalize,
                                   const EncodeWords& encode_words) const {
    std::vector<std::int32_t> ids;
    for (const AddedTokens::Piece& outer : raw_.split(text)) {
      if (outer.id >= 0) {
        ids.push_back(outer.id);
        continue;
      }
      const std::string normal = normalize(outer.text);
      for (const AddedTokens::Piece& inner : normalized_.split(normal)) {
        if (inner.id >= 0) {
          ids.push_back(inner.id);
          continue;
        }
        const bool at_start =
            outer.text.data() == text.data() && inner.text.data() == normal.data();
        encode_words(inner.text, at_start, ids);
      }
    }
    return ids;
  }

 private:
  AddedTokens raw_, normalized_;
};

}  // namespace imagined::engine
