// A tokenizer's files as keys of a GGUF file, the way llama.cpp's convert_hf_to_gguf.py writes
// them.
#pragma once

#include <bit>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "engine/formats/gguf_test_files.h"

namespace imagined::engine {

/// Collects lists by id and writes them.
class GgufVocabulary {
 public:
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
  std::vector<float> scores;
  std::vector<std::string> merges;
  std::string charsmap;
  std::optional<std::uint32_t> padding_id, eos_id;
  std::string model, pre;
  std::optional<std::string> chat_template;

  void add_to(GgufBytes& file) const {
    constexpr std::uint32_t kText = 8;
    constexpr std::uint32_t kList = 9;
    constexpr std::uint32_t kU8 = 0;
    constexpr std::uint32_t kU32 = 4;
    constexpr std::uint32_t kI32 = 5;
    constexpr std::uint32_t kF32 = 6;
    const auto list = [&](const char* name, std::uint32_t type, const auto& items,
                          const auto& bytes_of) {
      if (items.empty()) return;
      std::string bytes = u32_bytes(type) + u64_bytes(items.size());
      for (const auto& item : items) bytes += bytes_of(item);
      file.key(std::string("tokenizer.ggml.") + name, kList, bytes);
    };
    const auto text = [](const std::string& item) { return gguf_string(item); };
    file.key("general.architecture", kText, gguf_string("qwen3"));
    file.key("tokenizer.ggml.model", kText, gguf_string(model));
    file.key("tokenizer.ggml.pre", kText, gguf_string(pre));
    list("tokens", kText, tokens, text);
    list("token_type", kI32, types,
         [](std::int32_t type) { return u32_bytes(static_cast<std::uint32_t>(type)); });
    list("scores", kF32, scores,
         [](float score) { return u32_bytes(std::bit_cast<std::uint32_t>(score)); });
    list("merges", kText, merges, text);
    list("precompiled_charsmap", kU8, charsmap, [](char byte) { return std::string(1, byte); });
    if (padding_id) file.key("tokenizer.ggml.padding_token_id", kU32, u32_bytes(*padding_id));
    if (eos_id) file.key("tokenizer.ggml.eos_token_id", kU32, u32_bytes(*eos_id));
    if (chat_template) file.key("tokenizer.chat_template", kText, gguf_string(*chat_template));
  }
};

inline nlohmann::json json_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return nlohmann::json::parse(stream);
}

/// Of a byte-level BPE; the embedding has `rows` rows.
inline GgufVocabulary gguf_bpe(const std::filesystem::path& folder, std::size_t rows,
                               const std::string& pre = "qwen2") {
  const nlohmann::json root = json_in(folder / "tokenizer.json");
  GgufVocabulary out;
  out.model = "gpt2";
  out.pre = pre;
  for (std::size_t id = 0; id < rows; ++id) {
    out.tokens.push_back("[PAD" + std::to_string(id) + "]");
    out.types.push_back(5);
  }
  for (const auto& [token, id] : root["model"]["vocab"].items()) {
    out.tokens[id.get<std::size_t>()] = token;
    out.types[id.get<std::size_t>()] = 1;
  }
  for (const nlohmann::json& token : root["added_tokens"]) {
    const auto id = token["id"].get<std::size_t>();
    out.tokens[id] = token["content"].get<std::string>();
    out.types[id] = token.value("special", false) ? 3 : 4;
    if (out.tokens[id] == "<|endoftext|>" || out.tokens[id] == "<pad>")
      out.padding_id = static_cast<std::uint32_t>(id);
  }
  for (const nlohmann::json& rule : root["model"]["merges"])
    out.merges.push_back(rule.is_string()
                             ? rule.get<std::string>()
                             : rule[0].get<std::string>() + " " + rule[1].get<std::string>());
  return out;
}

/// Of T5's unigrams.
inline GgufVocabulary gguf_unigrams(const std::filesystem::path& folder, std::size_t rows) {
  const nlohmann::json root = json_in(folder / "tokenizer.json");
  GgufVocabulary out;
  out.model = "t5";
  out.pre = "default";
  for (const nlohmann::json& piece : root["model"]["vocab"]) {
    out.tokens.push_back(piece[0].get<std::string>());
    out.scores.push_back(piece[1].get<float>());
    out.types.push_back(1);
  }
  for (const nlohmann::json& token : root["added_tokens"]) {
    const auto id = token["id"].get<std::size_t>();
    const bool extra = out.tokens[id].starts_with("<extra_id_");
    out.types[id] = out.tokens[id] == "<unk>" ? 2 : extra ? 4 : 3;
    if (extra) out.scores[id] = -1000;
    if (out.tokens[id] == "<pad>") out.padding_id = static_cast<std::uint32_t>(id);
    if (out.tokens[id] == "</s>") out.eos_id = static_cast<std::uint32_t>(id);
  }
  while (out.tokens.size() < rows) {
    out.tokens.push_back("[PAD" + std::to_string(out.tokens.size()) + "]");
    out.scores.push_back(-10000);
    out.types.push_back(5);
  }
  const nlohmann::json none = {{"normalizers", nlohmann::json::array()}};
  const nlohmann::json& normalizer = root["normalizer"].is_null() ? none : root["normalizer"];
  for (const nlohmann::json& step : normalizer["normalizers"])
    if (step["type"] == "Precompiled")
      out.charsmap = *from_base64(step["precompiled_charsmap"].get<std::string>());
  return out;
}

}  // namespace imagined::engine
