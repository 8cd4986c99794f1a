// Any text as a T5 tokenizer.json, and what follows a byte 0 as a prompt: refused, or a tokenizer
// that encodes.
#include <algorithm>

#include "base/check.h"
#include "engine/tokenizers/t5_tokenizer.h"

using namespace imagined::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  const std::size_t zero = std::min(text.find('\0'), text.size());
  const imagined::Result<T5Tokenizer> tokenizer = T5Tokenizer::parse(text.substr(0, zero));
  if (!tokenizer) {
    CHECK(!tokenizer.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  for (const std::string_view prompt :
       {text.substr(std::min(zero + 1, text.size())),
        std::string_view(" a red b\xc3\xa9 </s>  \n\xf0\x9f\x98\x80")}) {
    const PromptEncoding encoding = tokenizer->encode_prompt(prompt, {.max_tokens = 24});
    CHECK(encoding.ids.size() == 24, "{} ids", encoding.ids.size());
    for (const std::int32_t id : encoding.ids)
      CHECK(id >= 0 && id < tokenizer->vocab_size(), "id {}", id);
  }
  return 0;
}
