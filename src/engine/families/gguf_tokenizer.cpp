#include "engine/families/gguf_tokenizer.h"

#include <fmt/core.h>

#include <utility>

#include "engine/formats/file_map.h"
#include "engine/formats/folder.h"
#include "engine/formats/gguf.h"
#include "engine/formats/safetensors.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSpieceModel = "spiece_model";

/// Moves the value of a key into `to`, which stays where the key is missing.
template <class Value>
Result<> take_key(GgufKeys& keys, std::string_view name, Value& to) {
  const auto found = keys.find(name);
  if (found == keys.end()) return {};
  auto* value = std::get_if<Value>(&found->second);
  if (value == nullptr)
    return fail(ErrorCode::data_loss, fmt::format("key \"{}\": a value of another type", name));
  to = std::move(*value);
  return {};
}

template <class Value>
Result<> take_key(GgufKeys& keys, std::string_view name, std::optional<Value>& to) {
  if (!keys.contains(name)) return {};
  Value value{};
  TRY(take_key(keys, name, value));
  to = std::move(value);
  return {};
}

Result<ListedVocabulary> vocabulary_of(GgufKeys& keys) {
  ListedVocabulary vocabulary;
  std::vector<std::int64_t> map;
  TRY(take_key(keys, "tokenizer.ggml.model", vocabulary.model));
  TRY(take_key(keys, "tokenizer.ggml.pre", vocabulary.pre));
  TRY(take_key(keys, "tokenizer.ggml.tokens", vocabulary.tokens));
  TRY(take_key(keys, "tokenizer.ggml.token_type", vocabulary.types));
  TRY(take_key(keys, "tokenizer.ggml.scores", vocabulary.scores));
  TRY(take_key(keys, "tokenizer.ggml.merges", vocabulary.merges));
  TRY(take_key(keys, "tokenizer.ggml.precompiled_charsmap", map));
  TRY(take_key(keys, "tokenizer.ggml.padding_token_id", vocabulary.padding_id));
  TRY(take_key(keys, "tokenizer.ggml.eos_token_id", vocabulary.eos_id));
  TRY(take_key(keys, "tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix));
  TRY(take_key(keys, "tokenizer.ggml.remove_extra_whitespaces",
               vocabulary.remove_extra_whitespaces));
  TRY(take_key(keys, "tokenizer.chat_template", vocabulary.chat_template));
  for (const std::int64_t byte : map) vocabulary.charsmap += static_cast<char>(byte);
  return vocabulary;
}

Error in_file(Error error, const fs::path& file) {
  error.message = fmt::format("{}: {}", file.filename().string(), error.message);
  return error;
}

/// Of a file that was chosen because it has one.
Result<ListedVocabulary> vocabulary_in(const fs::path& file) {
  std::optional<ListedVocabulary> vocabulary = TRY(read_listed_vocabulary(file));
  if (!vocabulary)
    return fail(ErrorCode::not_found,
                fmt::format("{}: there is no tokenizer in it", file.filename().string()));
  return std::move(*vocabulary);
}

template <class Tokenizer>
Result<Tokenizer> load_from(const fs::path& place) {
  if (is_folder(place)) return Tokenizer::load(place);
  const ListedVocabulary vocabulary = TRY(vocabulary_in(place));
  Result<Tokenizer> tokenizer = Tokenizer::from(vocabulary);
  if (!tokenizer) return tl::unexpected(in_file(std::move(tokenizer.error()), place));
  return tokenizer;
}

}  // namespace

Result<std::optional<ListedVocabulary>> read_listed_vocabulary(const fs::path& file) {
  if (!is_file(file)) return std::nullopt;
  const FileMap map = TRY(FileMap::open(file));
  if (!is_gguf(map.bytes())) return std::nullopt;
  Result<GgufKeys> keys = read_gguf_keys(map.bytes(), "tokenizer.");
  if (!keys) return tl::unexpected(in_file(std::move(keys.error()), file));
  if (!keys->contains("tokenizer.ggml.tokens")) return std::nullopt;
  Result<ListedVocabulary> vocabulary = vocabulary_of(*keys);
  if (!vocabulary) return tl::unexpected(in_file(std::move(vocabulary.error()), file));
  return std::move(*vocabulary);
}

Result<QwenTokenizer> load_qwen_tokenizer(const fs::path& place) {
  return load_from<QwenTokenizer>(place);
}

Result<MistralTokenizer> load_mistral_tokenizer(const fs::path& place) {
  return load_from<MistralTokenizer>(place);
}

bool holds_spiece_model(const fs::path& file) {
  if (file.extension() != ".safetensors" || !is_file(file)) return false;
  const Result<SafetensorsFile> weights = SafetensorsFile::open(file);
  return weights && weights->find(kSpieceModel) != nullptr;
}

Result<T5Tokenizer> load_t5_tokenizer(const fs::path& place) {
  if (!holds_spiece_model(place)) return load_from<T5Tokenizer>(place);
  const SafetensorsFile weights = TRY(SafetensorsFile::open(place));
  const std::span<const std::byte> bytes = weights.find(kSpieceModel)->bytes;
  Result<T5Tokenizer> tokenizer = T5Tokenizer::parse_spiece(
      std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  if (!tokenizer) return tl::unexpected(in_file(std::move(tokenizer.error()), place));
  return tokenizer;
}

}  // namespace imagined::engine
