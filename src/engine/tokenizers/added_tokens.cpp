#include "engine/tokenizers/added_tokens.h"

#include <algorithm>

#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

bool touches_word(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin > 0 && is_word(last_code_point(text.substr(0, begin)).value)) ||
         (end < text.size() && is_word(first_code_point(text.substr(end)).value));
}

std::size_t skip_spaces_left(std::string_view text, std::size_t begin, std::size_t limit) {
  while (begin > limit) {
    const CodePoint last = last_code_point(text.substr(0, begin));
    if (class_of(last.value) != CharClass::space || begin - last.size_bytes < limit) break;
    begin -= last.size_bytes;
  }
  return begin;
}

std::size_t skip_spaces_right(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    const CodePoint first = first_code_point(text.substr(end));
    if (class_of(first.value) != CharClass::space) break;
    end += first.size_bytes;
  }
  return end;
}

}  // namespace

void AddedTokens::add(AddedToken token) {
  if (token.content.empty()) return;
  std::size_t node = 0;
  for (const char c : token.content) {
    const auto byte = static_cast<unsigned char>(c);
    auto& next = nodes_[node].next;
    const auto found = std::find_if(next.begin(), next.end(),
                                    [&](const auto& child) { return child.first == byte; });
    if (found != next.end()) {
      node = static_cast<std::size_t>(found->second);
      continue;
    }
    next.emplace_back(byte, static_cast<std::int32_t>(nodes_.size()));
    node = nodes_.size();
    nodes_.emplace_back();
  }
  nodes_[node].token = static_cast<std::int32_t>(tokens_.size());
  starts_[static_cast<unsigned char>(token.content.front())] = true;
  tokens_.push_back(std::move(token));
}

const AddedToken* AddedTokens::longest_at(std::string_view text, std::size_t begin) const {
  std::int32_t longest = -1;
  std::size_t node = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto& next = nodes_[node].next;
    const auto found = std::find_if(next.begin(), next.end(),
                                    [&](const auto& child) { return child.first == byte; });
    if (found == next.end()) break;
    node = static_cast<std::size_t>(found->second);
    if (nodes_[node].token >= 0) longest = nodes_[node].token;
  }
  return longest < 0 ? nullptr : &tokens_[static_cast<std::size_t>(longest)];
}

std::vector<AddedTokens::Piece> AddedTokens::split(std::string_view text) const {
  std::vector<Piece> pieces;
  std::size_t rest = 0;  // where the text begins that no piece holds yet
  for (std::size_t i = 0; i < text.size();) {
    const AddedToken* token =
        starts_[static_cast<unsigned char>(text[i])] ? longest_at(text, i) : nullptr;
    if (token == nullptr) {
      ++i;
      continue;
    }
    std::size_t begin = i;
    std::size_t end = i + token->content.size();
    i = end;
    if (token->single_word && touches_word(text, begin, end)) continue;
    if (token->left_strip) begin = skip_spaces_left(text, begin, rest);
    if (token->right_strip) end = skip_spaces_right(text, end);
    if (begin > rest) pieces.push_back({text.substr(rest, begin - rest), -1});
    pieces.push_back({text.substr(begin, end - begin), token->id});
    rest = end;
    i = std::max(i, end);
  }
  if (rest < text.size()) pieces.push_back({text.substr(rest), -1});
  return pieces;
}

}  // namespace imagined::engine
