#include "api/wire/conversation.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/wire/json.h"
#include "base/json.h"
#include "base/text.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

// Fields of conversations that mean nothing to a picture. Every client sends some of them by
// itself.
constexpr std::string_view kOfTexts[] = {"messages",
                                         "input",
                                         "instructions",
                                         "temperature",
                                         "top_p",
                                         "top_k",
                                         "min_p",
                                         "top_logprobs",
                                         "max_tokens",
                                         "max_completion_tokens",
                                         "max_output_tokens",
                                         "max_tool_calls",
                                         "presence_penalty",
                                         "frequency_penalty",
                                         "repetition_penalty",
                                         "stop",
                                         "stream_options",
                                         "store",
                                         "metadata",
                                         "modalities",
                                         "parallel_tool_calls",
                                         "tool_choice",
                                         "reasoning",
                                         "reasoning_effort",
                                         "verbosity",
                                         "service_tier",
                                         "prompt_cache_key",
                                         "include",
                                         "truncation",
                                         "background",
                                         "text",
                                         "image_config",
                                         "previous_response_id",
                                         "tools"};
// Of the image tool, under the same names as at /v1/images.
constexpr std::string_view kOfTheTool[] = {
    "size",           "quality",      "output_format", "output_compression",
    "partial_images", "aspect_ratio", "resolution"};
constexpr std::string_view kNotSaidHere[] = {"deferred", "storage_options", "output"};

// Questions about a picture, by their first words.
constexpr std::string_view kQuestions[] = {
    "describe",         "caption",     "transcribe",     "identify",       "explain",
    "what is in",       "what's in",   "what is on",     "what's on",      "what is shown",
    "what is this",     "what's this", "what are these", "what does this", "what do you see",
    "what can you see", "what text",   "who is in",      "who is this",    "how many",
    "read the text",    "tell me what"};

tl::unexpected<Error> wrong(const std::string& where, std::string_view expected,
                            const json& value) {
  return fail(ErrorCode::unprocessable,
              fmt::format("{}: expected {}, got {}", where, expected, shown(value)),
              where.substr(0, where.find('[')));
}

/// Pictures of Markdown, `![...](URL)`.
void find_markdown_pictures(std::string_view text, std::vector<SaidPicture>& pictures) {
  for (auto at = text.find("!["); at != std::string_view::npos; at = text.find("![", at + 2)) {
    const auto open = text.find("](", at);
    if (open == std::string_view::npos) return;
    const auto begin = open + 2;
    const auto end = std::min(text.find_first_of(") \n", begin), text.size());
    const std::string_view url = text.substr(begin, end - begin);
    const bool is_picture =
        url.starts_with("data:image/") || url.starts_with("http://") || url.starts_with("https://");
    if (is_picture) pictures.push_back({.text = std::string(url)});
  }
}

/// Of a message those that the turn does not have already, as often as the message has them: a
/// client sends a message again whose answer it has not got.
void add_new(std::vector<SaidPicture> of_message, std::vector<SaidPicture>& of_turn) {
  std::vector<SaidPicture> known = of_turn;
  for (SaidPicture& picture : of_message) {
    if (const auto again = std::ranges::find(known, picture); again != known.end())
      known.erase(again);
    else
      of_turn.push_back(std::move(picture));
  }
}

/// What one side has said until the other said something.
struct Turn {
  bool by_user = false;
  std::string text;  // of its last message that has any
  std::vector<SaidPicture> pictures;
};

class Reader {
 public:
  /// `where` names the list in errors: "messages".
  explicit Reader(std::string where) : where_(std::move(where)) {}

  Result<void> read(const json& list) {
    for (std::size_t i = 0; i < list.size(); ++i)
      TRY(read_item(list[i], fmt::format("{}[{}]", where_, i)));
    return {};
  }

  std::vector<Turn> take() { return std::move(turns_); }

 private:
  Result<void> read_item(const json& item, const std::string& where) {
    if (!item.is_object()) return wrong(where, "an object", item);
    const std::string type = string_in(item, "type");
    if (type == "image_generation_call" || type == "item_reference") {
      keep_item(item);
      return {};
    }
    const std::string role = string_in(item, "role");
    if (role == "user") return read_message(item, where, true);
    if (role == "assistant") return read_message(item, where, false);
    if (role == "system" || role == "developer" || role == "tool" || role == "function") return {};
    if (role.empty() && !type.empty() && type != "message") return {};  // reasoning, calls of tools
    return wrong(where + ".role", "one of user, assistant, system, developer, tool",
                 member(item, "role"));
  }

  /// A picture of an earlier answer: its bytes when they are there, else its name.
  void keep_item(const json& item) {
    std::string base64 = string_in(item, "result");
    std::string id = string_in(item, "id");
    if (base64.empty() && !id.starts_with("ig_")) return;
    SaidPicture picture;
    if (base64.empty())
      picture.item = std::move(id);
    else
      picture.text = std::move(base64);
    turn_of(false).pictures.push_back(std::move(picture));
  }

  Result<void> read_message(const json& message, const std::string& where, bool by_user) {
    Turn& turn = turn_of(by_user);
    std::vector<SaidPicture> pictures;
    std::string text;
    const json& content = member(message, "content");
    if (content.is_string()) {
      text = content.get<std::string>();
    } else if (content.is_array()) {
      for (std::size_t i = 0; i < content.size(); ++i)
        TRY(read_part(content[i], fmt::format("{}.content[{}]", where, i), text, pictures));
    } else if (!content.is_null()) {
      return wrong(where + ".content", "a text or a list of parts", content);
    }
    if (!by_user) find_markdown_pictures(text, pictures);
    const json& images = member(message, "images");  // OpenRouter's
    for (std::size_t i = 0; images.is_array() && i < images.size(); ++i)
      TRY(read_part(images[i], fmt::format("{}.images[{}]", where, i), text, pictures));
    add_new(std::move(pictures), turn.pictures);
    if (text.find_first_not_of(" \t\r\n") != std::string::npos) turn.text = std::move(text);
    return {};
  }

  static Result<void> read_part(const json& part, const std::string& where, std::string& text,
                                std::vector<SaidPicture>& pictures) {
    if (!part.is_object()) return wrong(where, "an object", part);
    const std::string type = string_in(part, "type");
    if (type == "text" || type == "input_text" || type == "output_text") {
      const json& said = member(part, "text");
      if (!said.is_string()) return wrong(where + ".text", "a string", said);
      if (!text.empty()) text += '\n';
      text += said.get_ref<const std::string&>();
      return {};
    }
    if (type == "refusal") return {};
    if (type == "image_url" || type == "input_image" || type == "image")
      return read_picture(part, where, pictures);
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: a model that makes pictures reads texts and pictures, not {}",
                            where, shown(member(part, "type"))),
                where.substr(0, where.find('[')));
  }

  static Result<void> read_picture(const json& part, const std::string& where,
                                   std::vector<SaidPicture>& pictures) {
    const json& value = part.contains("image_url") ? part["image_url"] : part;
    SaidPicture picture{.file_id = string_in(part, "file_id")};
    if (value.is_string()) {
      picture.text = value.get<std::string>();
    } else if (value.is_object()) {
      picture.text = string_in(value, "url");
      if (picture.file_id.empty()) picture.file_id = string_in(value, "file_id");
    }
    if (!picture.file_id.empty()) picture.text.clear();
    if (picture.text.empty() && picture.file_id.empty())
      return wrong(where + ".image_url", "a URL, a data URL or a file_id", value);
    pictures.push_back(std::move(picture));
    return {};
  }

  Turn& turn_of(bool by_user) {
    if (turns_.empty() || turns_.back().by_user != by_user)
      turns_.push_back({.by_user = by_user, .text = {}, .pictures = {}});
    return turns_.back();
  }

  const std::string where_;
  std::vector<Turn> turns_;
};

/// The image tool among the tools; null when it is not there.
Result<json> read_tools(const json& tools, std::vector<std::string>& warnings) {
  if (tools.is_null()) return json();
  if (!tools.is_array()) return wrong("tools", "a list", tools);
  json image_tool;
  bool has_others = false;
  for (const json& tool : tools) {
    if (!tool.is_object()) return wrong("tools", "a list of objects", tool);
    if (string_in(tool, "type") == "image_generation")
      image_tool = tool;
    else
      has_others = true;
  }
  if (has_others) warnings.emplace_back("tools: a model that makes pictures calls none");
  return image_tool;
}

/// Of fields that a conversation reads, or that mean what is not done here.
Result<void> check_field_types(const json& body) {
  const auto expect = [&body](const char* name, std::string_view what,
                              bool (json::*is_right)() const noexcept) -> Result<void> {
    const json& value = member(body, name);
    if (value.is_null() || (value.*is_right)()) return {};
    return wrong(name, what, value);
  };
  TRY(expect("previous_response_id", "the id of a response", &json::is_string));
  TRY(expect("image_config", "an object", &json::is_object));
  TRY(expect("stream_options", "an object", &json::is_object));
  TRY(expect("store", "true or false", &json::is_boolean));
  if (member(body, "background") == true)
    return fail(ErrorCode::invalid_argument,
                "background: pictures are made while their answer is waited for", "background");
  return {};
}

/// The tool may name the model that is asked, and no other: what it makes is that one's.
Result<void> check_model_of_the_tool(const json& tool, const std::string& asked,
                                     const service::Catalogue& catalogue) {
  const json& said = tool.is_null() ? tool : member(tool, "model");
  if (said.is_null()) return {};
  if (!said.is_string()) return wrong("tools[].model", "the name of a model", said);
  const service::Model* model = catalogue.find(said.get<std::string>());
  if (model != nullptr && model->id == asked) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("tools: model: {} is not the model that is asked, \"{}\"", shown(said), asked),
      "tools");
}

Result<ImageAction> read_action(const json& tool) {
  const std::string action = tool.is_null() ? "" : string_in(tool, "action");
  if (action.empty() || action == "auto") return ImageAction::auto_;
  if (action == "generate") return ImageAction::generate;
  if (action == "edit") return ImageAction::edit;
  return fail(ErrorCode::unprocessable,
              fmt::format("tools: action: expected auto, generate or edit, got {}", shown(action)),
              "tools");
}

/// The fields that the routes of pictures know, from wherever a conversation has them.
Result<json> picture_fields(const json& body, const json& tool,
                            std::vector<std::string>& warnings) {
  TRY(refuse_not_said_here(body));
  json fields = json::object();
  const auto warn_of_schema = [&warnings](std::string_view name, const json& format) {
    if (format.is_object() && string_in(format, "type") != "text")
      warnings.push_back(fmt::format("{}: a picture has no schema", name));
  };
  for (const auto& [name, value] : body.items()) {
    if (name == "text" && value.is_object()) warn_of_schema("text.format", member(value, "format"));
    if (is_one_of(kOfTexts, name) || value.is_null()) continue;
    if (name == "response_format" && value.is_object()) {
      warn_of_schema(name, value);
      continue;
    }
    fields[name] = value;
  }
  const auto add = [&fields](const char* name, const json& value) {
    if (!value.is_null() && !fields.contains(name)) fields[name] = value;
  };
  if (!tool.is_null()) {
    if (tool.contains("input_image_mask"))
      return fail(ErrorCode::invalid_argument,
                  "tools: input_image_mask is not read here; /v1/images/edits takes a mask",
                  "tools");
    constexpr std::string_view kReadApart[] = {"type", "action", "model", "moderation"};
    for (const auto& [name, value] : tool.items()) {
      if (is_one_of(kOfTheTool, name))
        add(name.c_str(), value);
      else if (!value.is_null() && !is_one_of(kReadApart, name))
        warnings.push_back(fmt::format("tools: {}: not known here and ignored", shown(name)));
    }
  }
  if (const json& config = member(body, "image_config"); config.is_object()) {
    add("aspect_ratio", member(config, "aspect_ratio"));
    add("resolution", member(config, "image_size"));
  }
  return fields;
}

Result<std::vector<Turn>> read_turns(const json& body, ChatApi api) {
  TRY(check_messages(body, api));
  const char* name = api == ChatApi::completions ? "messages" : "input";
  const json& said = member(body, name);
  if (said.is_string())
    return std::vector<Turn>{{.by_user = true, .text = said.get<std::string>(), .pictures = {}}};
  Reader reader(name);
  TRY(reader.read(said));
  return reader.take();
}

}  // namespace

Result<Conversation> parse_conversation(std::string_view text, ChatApi api,
                                        const service::Catalogue& catalogue) {
  const json body = TRY(parse_json_object(text));
  std::vector<std::string> warnings;
  TRY(check_field_types(body));
  const json tool = TRY(read_tools(member(body, "tools"), warnings));
  const ImageAction action = TRY(read_action(tool));
  json fields = TRY(picture_fields(body, tool, warnings));
  std::vector<Turn> turns = TRY(read_turns(body, api));
  const auto last_user =
      std::find_if(turns.rbegin(), turns.rend(), [](const Turn& turn) { return turn.by_user; });
  if (last_user == turns.rend() || last_user->text.empty()) {
    const char* name = api == ChatApi::completions ? "messages" : "input";
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: the last text of the user is the prompt, and there is none", name),
                name);
  }
  fields["prompt"] = last_user->text;
  GenerationCall call = TRY(read_edit_fields(fields, catalogue));
  TRY(check_model_of_the_tool(tool, call.request.model, catalogue));
  auto& told = call.request.warnings;
  told.insert(told.begin(), warnings.begin(), warnings.end());
  Conversation conversation{.fields = std::move(call),
                            .given = {},
                            .earlier = {},
                            .action = action,
                            .previous_response_id = string_in(body, "previous_response_id"),
                            .include_usage = false};
  for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
    const bool is_last = turn == turns.rbegin() && turn->by_user;
    auto& pictures = is_last ? conversation.given : conversation.earlier;
    if (!pictures.empty()) continue;
    pictures = std::move(turn->pictures);
    if (!is_last && !pictures.empty()) conversation.is_answer = !turn->by_user;
  }
  if (const json& options = member(body, "stream_options"); options.is_object())
    conversation.include_usage = member(options, "include_usage") == true;
  return conversation;
}

Result<void> check_messages(const json& body, ChatApi api) {
  const char* name = api == ChatApi::completions ? "messages" : "input";
  const json& said = member(body, name);
  const bool is_text = api == ChatApi::responses && said.is_string();
  if (is_text || (said.is_array() && !said.empty())) return {};
  return fail(
      said.is_null() || said.is_array() ? ErrorCode::invalid_argument : ErrorCode::unprocessable,
      fmt::format("{}: expected {}a list of messages, got {}", name,
                  api == ChatApi::responses ? "a text or " : "",
                  said.is_null() ? std::string("none") : shown(said)),
      name);
}

Result<void> refuse_not_said_here(const json& body) {
  for (const std::string_view name : kNotSaidHere)
    if (const json& value = member(body, name); !value.is_null() && value != false)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{}: not offered in a conversation; /v1/images/generations has it", name),
          std::string(name));
  return {};
}

bool asks_what_is_seen(std::string_view prompt) {
  const std::string text = ascii_lower(trim(prompt));
  return std::ranges::any_of(kQuestions,
                             [&](std::string_view start) { return text.starts_with(start); });
}

}  // namespace imagined::api::wire
