#pragma once

#include <cstdint>
#include <vector>

namespace imagined::engine {

/// A prompt as the text encoder takes it.
struct PromptEncoding {
  std::vector<std::int32_t> ids;
  std::int64_t real_count = 0;  // ids before the padding; ids.size() when there is none
  bool operator==(const PromptEncoding&) const = default;
};

struct PromptLength {
  std::int64_t max_tokens = 512;  // longer prompts lose their end, the template's suffix included
  bool pad = true;                // fill up to max_tokens with the padding token
};

}  // namespace imagined::engine
