#include "engine/tokenizers/chat_template.h"

#include <fmt/core.h>

#include <array>
#include <nlohmann/json.hpp>

#include "engine/tokenizers/jinja_render.h"
#include "engine/tokenizers/json_file.h"
#include "engine/tokenizers/text_file.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

constexpr std::string_view kKey = "chat_template";
constexpr std::string_view kJinjaFile = "chat_template.jinja";
constexpr std::string_view kJsonFile = "chat_template.json";
// Source: black-forest-labs/flux2, `system_messages.py` (flux.md 5.4).
constexpr std::string_view kFlux2DevSystem =
    "You are an AI that reasons about image descriptions. You give structured responses focusing "
    "on "
    "object relationships, object\nattribution and actions without speculation.";

/// A template and where it stands.
struct Found {
  std::string text;
  std::string_view file;
};

std::string as_json(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

/// A template, or the one named "default" of several, which have been written as a list of objects
/// and as one object.
Result<std::optional<Found>> template_of(const json& value, std::string_view file) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return Found{text_of(value), file};
  const json* chosen = value.is_object() ? &member(value, "default") : &value;
  if (value.is_array())
    for (const json& entry : value)
      if (entry.is_object() && text_of(member(entry, "name")) == "default")
        chosen = &member(entry, "template");
  if (!chosen->is_string())
    return refuse(file, kKey, "expected a template, or several of which one is named \"default\"");
  return Found{text_of(*chosen), file};
}

Result<std::optional<Found>> find_template(const ChatTemplateFiles& files, const json& config) {
  if (files.jinja) return Found{*files.jinja, kJinjaFile};
  if (std::optional<Found> found =
          TRY(template_of(member(config, "chat_template"), kTokenizerConfigFile)))
    return found;
  if (!files.json) return std::nullopt;
  const json root = TRY(parse_object(*files.json, kJsonFile));
  return template_of(member(root, "chat_template"), kJsonFile);
}

/// What a template may speak of beside the messages: the special tokens.
Result<json> variables_of(const json& config) {
  json variables = {{"tools", nullptr},
                    {"documents", nullptr},
                    {"add_generation_prompt", true},
                    {"enable_thinking", false}};
  for (const char* key : {"bos_token", "eos_token", "pad_token", "unk_token"}) {
    std::string token;
    TRY(read_special_token(config, key, token));
    if (!token.empty()) variables[key] = token;
  }
  return variables;
}

Result<ChatTemplateFiles> read_template_files(const std::filesystem::path& folder) {
  ChatTemplateFiles files;
  if (is_text_file(folder / kTokenizerConfigFile))
    files.config = TRY(read_text_file(folder / kTokenizerConfigFile));
  if (is_text_file(folder / kJinjaFile)) files.jinja = TRY(read_text_file(folder / kJinjaFile));
  if (is_text_file(folder / kJsonFile)) files.json = TRY(read_text_file(folder / kJsonFile));
  return files;
}

/// The frame that a template puts around any prompt of the conversation that `messages` makes of
/// it.
template <class Messages>
Result<PromptFrame> run_template(const Found& found, json variables, const Messages& messages) {
  const auto write = [&](std::string_view prompt) -> Result<std::string> {
    variables["messages"] = messages(prompt);
    Result<std::string> text = jinja::render(found.text, variables);
    if (!text) return refuse(found.file, kKey, text.error().message, text.error().code);
    return text;
  };
  constexpr std::string_view kPrompt = "a prompt that no template says by itself";
  const std::string text = TRY(write(kPrompt));
  const std::size_t at = text.find(kPrompt);
  if (at == std::string::npos || text.find(kPrompt, at + 1) != std::string::npos)
    return refuse(found.file, kKey,
                  fmt::format("does not say a prompt once: writes {}", as_json(text)),
                  ErrorCode::unimplemented);
  PromptFrame frame{text.substr(0, at), text.substr(at + kPrompt.size())};
  // A template could treat some prompts in another way than others.
  constexpr std::array<std::string_view, 5> kOthers = {"", " \n a prompt\nbetween blanks\t\n ",
                                                       "<think>\na thought\n</think>\n\na prompt",
                                                       "{{ messages }} \"'\\", "A Prompt"};
  for (const std::string_view prompt : kOthers)
    if (const std::string other = TRY(write(prompt));
        other != fmt::format("{}{}{}", frame.before, prompt, frame.after))
      return refuse(
          found.file, kKey,
          fmt::format("changes the prompt {}: writes {}", as_json(prompt), as_json(other)),
          ErrorCode::unimplemented);
  return frame;
}

}  // namespace

const PromptFrame& qwen3_frame() {
  static const PromptFrame frame = {"<|im_start|>user\n",
                                    "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"};
  return frame;
}

const PromptFrame& flux2_dev_frame() {
  static const PromptFrame frame = {
      fmt::format("<s>[SYSTEM_PROMPT]{}[/SYSTEM_PROMPT][INST]", kFlux2DevSystem), "[/INST]"};
  return frame;
}

Result<PromptFrame> read_prompt_frame(const ChatTemplateFiles& files) {
  const json config =
      files.config.empty() ? json::object() : TRY(parse_object(files.config, kTokenizerConfigFile));
  const std::optional<Found> found = TRY(find_template(files, config));
  if (!found) return qwen3_frame();
  return run_template(*found, TRY(variables_of(config)), [](std::string_view prompt) {
    const json message = {{"role", "user"}, {"content", prompt}};
    return json::array({message});
  });
}

Result<PromptFrame> load_prompt_frame(const std::filesystem::path& folder) {
  const ChatTemplateFiles files = TRY(read_template_files(folder));
  return read_prompt_frame(files);
}

Result<PromptFrame> load_flux2_dev_frame(const std::filesystem::path& folder) {
  const ChatTemplateFiles files = TRY(read_template_files(folder));
  return read_flux2_dev_frame(files);
}

Result<PromptFrame> read_flux2_dev_frame(const ChatTemplateFiles& files) {
  const PromptFrame& ours = flux2_dev_frame();
  const json config =
      files.config.empty() ? json::object() : TRY(parse_object(files.config, kTokenizerConfigFile));
  const std::optional<Found> found = TRY(find_template(files, config));
  if (!found) return ours;
  json variables = TRY(variables_of(config));
  variables["add_generation_prompt"] = false;
  if (!variables.contains("bos_token")) variables["bos_token"] = "<s>";
  // Templates ask for the date to put it into a system message that they would write themselves.
  variables[jinja::kDate] = "the date";
  const auto said = [](const char* role, std::string_view text) {
    const json part = {{"type", "text"}, {"text", text}};
    return json({{"role", role}, {"content", json::array({part})}});
  };
  const PromptFrame frame =
      TRY(run_template(*found, std::move(variables), [&](std::string_view prompt) {
        return json::array({said("system", kFlux2DevSystem), said("user", prompt)});
      }));
  if (frame == ours) return frame;
  return refuse(found->file, kKey,
                fmt::format("writes {} and {} around a prompt; FLUX.2 [dev] reads only what stands "
                            "between {} and {}",
                            as_json(frame.before), as_json(frame.after), as_json(ours.before),
                            as_json(ours.after)),
                ErrorCode::unimplemented);
}

std::string frame_note(const PromptFrame& frame) {
  const PromptFrame& ours = qwen3_frame();
  if (frame == ours) return {};
  return fmt::format(
      "the tokenizer's chat template is followed, which is not Qwen3's: a prompt "
      "stands between {} and {}, not between {} and {}",
      as_json(frame.before), as_json(frame.after), as_json(ours.before), as_json(ours.after));
}

}  // namespace imagined::engine
