// Tokenizers, from a folder of their own or out of the file of a text encoder.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"
#include "engine/tokenizers/listed_vocabulary.h"
#include "engine/tokenizers/mistral_tokenizer.h"
#include "engine/tokenizers/qwen_tokenizer.h"
#include "engine/tokenizers/t5_tokenizer.h"

namespace imagined::engine {

/// The tokenizer in a GGUF file, as it stands there; nothing where the file is none, or has none.
/// Errors: those of read_gguf_keys; `data_loss` for a key of another type.
Result<std::optional<ListedVocabulary>> read_listed_vocabulary(const std::filesystem::path& file);

/// Whether a safetensors file has SentencePiece's model in a tensor of its own, as ComfyUI's of
/// UMT5.
bool holds_spiece_model(const std::filesystem::path& file);

/// place: a folder, or a file with a tokenizer in it.
Result<QwenTokenizer> load_qwen_tokenizer(const std::filesystem::path& place);
Result<MistralTokenizer> load_mistral_tokenizer(const std::filesystem::path& place);
Result<T5Tokenizer> load_t5_tokenizer(const std::filesystem::path& place);

}  // namespace imagined::engine
