// Any bytes as spiece.model, and the last 32 of them as a prompt: refused, or a tokenizer that
// encodes. Reaches the character map, which tokenizer.json hides in base64.
#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/tokenizers/charsmap.h"
#include "engine/tokenizers/t5_tokenizer.h"

using namespace imagined::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size_bytes);
  const std::string_view prompt =
      bytes.substr(bytes.size() - std::min<std::size_t>(32, bytes.size()));
  if (const imagined::Result<Charsmap> map = Charsmap::parse(bytes)) {
    const std::string normal = map->normalize(imagined::valid_utf8(prompt));
    CHECK(imagined::is_utf8(normal), "normalised text is valid");
  }
  const imagined::Result<T5Tokenizer> tokenizer = T5Tokenizer::parse_spiece(bytes);
  if (!tokenizer) {
    CHECK(!tokenizer.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  for (const std::int32_t id : tokenizer->encode(prompt))
    CHECK(id >= 0 && id < tokenizer->vocab_size(), "id {}", id);
  return 0;
}
