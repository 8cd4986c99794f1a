// Byte-pair encoding over bytes: merges neighbours by rank until no rule applies.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace imagined::engine {

/// GPT-2's spelling of bytes as printable characters: what the tokens of a vocabulary are made of.
/// The UTF-8 of the character that stands for a byte.
std::string_view byte_symbol(std::uint8_t byte);

/// Vocabulary and merge rules. Built once, then immutable and shared by threads.
class Bpe {
 public:
  enum class MergeError : std::uint8_t { none, left_unknown, right_unknown, result_unknown };

  void reserve(std::size_t tokens, std::size_t merges);
  /// Tokens are spelled in byte symbols; the same token again takes the newer id.
  void add_token(std::string token, std::int32_t id);
  /// Rules in the order of their rank, all tokens being known; the same pair again takes the newer
  /// rank, as in Hugging Face's tokenizers.
  MergeError add_merge(std::string_view left, std::string_view right);
  /// Takes a whole word that is a token as it is, without merging (`ignore_merges`).
  void ignore_merges(bool ignore) { ignore_merges_ = ignore; }
  /// What stands for a byte without a token of its own; such bytes are left out otherwise.
  void unknown_token(std::int32_t id) { unknown_id_ = id; }
  /// To be called when all tokens are known, before encode. A word's last byte is spelled with the
  /// suffix (CLIP's </w>) behind it.
  void finish(std::string_view end_of_word_suffix = {});

  /// Appends the ids of one word (raw bytes). At each step the pair of the lowest rank is merged,
  /// the leftmost first; a heap makes that n log n.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const;

  const std::unordered_map<std::string, std::int32_t>& tokens() const { return tokens_; }

 private:
  struct Rule {
    std::int32_t rank = 0;
    std::int32_t result = 0;
  };
  static std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }
  const Rule* rule(std::int32_t left, std::int32_t right) const;

  std::unordered_map<std::string, std::int32_t> tokens_;
  std::unordered_map<std::uint64_t, Rule> rules_;
  std::array<std::int32_t, 256> byte_ids_{};       // -1 where the vocabulary lacks the byte
  std::array<std::int32_t, 256> last_byte_ids_{};  // the same at the end of a word
  std::int32_t unknown_id_ = -1;
  std::int32_t next_rank_ = 0;
  bool ignore_merges_ = false;
};

}  // namespace imagined::engine
