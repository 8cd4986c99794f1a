#include "engine/formats/llama_names.h"

#include <algorithm>

namespace imagined::engine {
namespace {

std::string_view find_in(std::span<const LlamaNames::Pair> pairs, std::string_view name) {
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [&](const LlamaNames::Pair& pair) { return pair.first == name; });
  return found == pairs.end() ? std::string_view() : found->second;
}

}  // namespace

std::string LlamaNames::transformers_name(std::string_view llama_name) const {
  if (const std::string_view to = find_in(outside, llama_name); !to.empty()) return std::string(to);
  if (!llama_name.starts_with(block)) return {};
  const std::string_view rest = llama_name.substr(block.size());  // "3.ffn_up.weight"
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view to = find_in(inside, rest.substr(dot + 1));
  if (to.empty()) return {};
  std::string out(transformers_block);
  out += rest.substr(0, dot + 1);
  out += to;
  return out;
}

}  // namespace imagined::engine
