// Any text as tokenizer.json, and what follows a byte 0 as tokenizer_config.json: refused, or a
// tokenizer that encodes.
#include "base/check.h"
#include "engine/tokenizers/qwen_tokenizer.h"

using namespace imagined::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  const std::size_t zero = std::min(text.find('\0'), text.size());
  const imagined::Result<QwenTokenizer> tokenizer =
      QwenTokenizer::parse(text.substr(0, zero), text.substr(std::min(zero + 1, text.size())));
  if (!tokenizer) {
    CHECK(!tokenizer.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  const PromptEncoding prompt =
      tokenizer->encode_prompt("a red b\xc3\xa9 <|im_end|> \n\xf0\x9f\x98\x80", {.max_tokens = 24});
  CHECK(prompt.ids.size() == 24, "{} ids", prompt.ids.size());
  for (const std::int32_t id : prompt.ids)
    CHECK(id >= 0 && id < tokenizer->vocab_size(), "id {}", id);
  return 0;
}
