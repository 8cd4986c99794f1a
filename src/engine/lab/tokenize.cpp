#include "engine/families/families.h"
#include "engine/lab/lab.h"

namespace imagined::engine {

Result<std::vector<std::int32_t>> tokenize_prompt(const std::filesystem::path& path,
                                                  std::string_view prompt,
                                                  const ModelChoices& choices) {
  return prompt_tokens(path, choices, prompt);
}

}  // namespace imagined::engine
