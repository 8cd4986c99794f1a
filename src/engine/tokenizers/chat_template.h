// What a tokenizer's chat template puts around a prompt.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::engine {

/// The text before and behind a prompt as a user's one message, where the assistant is to answer
/// and not to think.
struct PromptFrame {
  std::string before;
  std::string after;
  bool operator==(const PromptFrame&) const = default;
};

/// Qwen3's, which FLUX.2 [klein] was trained with:
///   <|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n
const PromptFrame& qwen3_frame();

/// The files that may hold a template, as texts.
struct ChatTemplateFiles {
  std::string config;                // tokenizer_config.json; empty: none
  std::optional<std::string> jinja;  // chat_template.jinja, where transformers 5 writes it
  std::optional<std::string> json;   // chat_template.json, where processors had it
};

/// What the template writes, which is found by running it as transformers does:
/// chat_template.jinja, else the template in tokenizer_config.json (of several the one named
/// "default"), else chat_template.json; Qwen3's frame where there is none. Errors, naming file and
/// line: `unimplemented` for a template that uses what is not known here or changes the prompt
/// itself; `invalid_argument` for one that is broken or refuses a prompt.
Result<PromptFrame> read_prompt_frame(const ChatTemplateFiles& files);

/// The same from a tokenizer's folder.
Result<PromptFrame> load_prompt_frame(const std::filesystem::path& folder);

/// FLUX.2 [dev]'s: a system message, then the prompt; nothing asks for an answer.
///   <s>[SYSTEM_PROMPT]{system}[/SYSTEM_PROMPT][INST]{prompt}[/INST]
const PromptFrame& flux2_dev_frame();

/// The same, which the template in the files must write: the text encoder was trained with it.
/// `unimplemented` for another.
Result<PromptFrame> read_flux2_dev_frame(const ChatTemplateFiles& files);

/// The same from a tokenizer's folder.
Result<PromptFrame> load_flux2_dev_frame(const std::filesystem::path& folder);

/// What the model's user should know about a frame; empty when it is Qwen3's.
std::string frame_note(const PromptFrame& frame);

}  // namespace imagined::engine
