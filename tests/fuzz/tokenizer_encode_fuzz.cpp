// Any bytes as a prompt.
#include <filesystem>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/tokenizers/pre_tokenizer.h"
#include "engine/tokenizers/qwen_tokenizer.h"
#include "engine/tokenizers/unicode.h"

using namespace imagined::engine;
using imagined::valid_utf8;

namespace {

const QwenTokenizer& tokenizer() {
  static const QwenTokenizer loaded = [] {
    imagined::Result<QwenTokenizer> result = QwenTokenizer::load(
        std::filesystem::path(IMAGINED_SOURCE_DIR) / "tests" / "golden" / "a1" / "tokenizer");
    CHECK(result.has_value(), "{}", result.error().message);
    return std::move(*result);
  }();
  return loaded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  const std::string clean = valid_utf8(text);
  CHECK(valid_utf8(clean) == clean, "repaired text is valid");
  const std::string composed = nfc(clean);
  CHECK(valid_utf8(composed) == composed, "composed text is valid");
  CHECK(nfc(composed) == composed, "composing twice changes nothing");
  std::string joined;
  for (const std::string_view word : split_words(composed)) {
    CHECK(!word.empty(), "no empty word");
    joined += word;
  }
  CHECK(joined == composed, "the words are the text");
  for (const std::int32_t id : tokenizer().encode_prompt(text))
    CHECK(id >= 0 && id < tokenizer().vocab_size(), "id {}", id);
  CHECK(tokenizer().encode(text) == tokenizer().encode(clean), "repairing is part of encoding");
  return 0;
}
