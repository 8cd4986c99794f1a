#include "api/wire/tool_talk.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/wire/json.h"
#include "base/json.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

constexpr std::string_view kTool = "image_generation";
constexpr std::string_view kMake = "imagine_text_to_image";
constexpr std::string_view kChange = "imagine_image_to_image";
constexpr int kPicturesPerCallMax = 4;
// Of the image tool, under the same names as at /v1/images.
constexpr std::string_view kToolFields[] = {
    "size", "quality", "output_format", "output_compression", "resolution", "aspect_ratio"};
// `model` says who makes the pictures (`image_tool_model`); whatever `moderation` says, it is what
// happens here.
constexpr std::string_view kOfTheToolItself[] = {"type", "action", "model", "moderation"};
// Of pictures, where they stand beside the messages: no server with models that talk knows them.
constexpr std::string_view kOfPictures[] = {"size",
                                            "quality",
                                            "output_format",
                                            "output_compression",
                                            "resolution",
                                            "aspect_ratio",
                                            "image_config",
                                            "negative_prompt",
                                            "steps",
                                            "num_inference_steps",
                                            "guidance",
                                            "guidance_scale",
                                            "partial_images",
                                            "deferred",
                                            "storage_options",
                                            "output"};

json function_of(std::string_view name, std::string_view what, const json& properties,
                 const json& required) {
  return {{"name", name},
          {"description", what},
          {"parameters", {{"type", "object"}, {"properties", properties}, {"required", required}}}};
}

/// Both tools, as their API has them.
std::vector<json> our_tools(ChatApi api, const std::string& action, bool takes_references) {
  const json prompt = {{"type", "string"}, {"description", "What the picture shows, in detail"}};
  const json ratio = {{"type", "string"},
                      {"enum", {"1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "auto"}}};
  std::vector<json> functions;
  if (action != "edit")
    functions.push_back(function_of(
        kMake, "Makes pictures from a prompt and shows them to the user.",
        {{"prompt", prompt},
         {"aspect_ratio", ratio},
         {"n", {{"type", "integer"}, {"minimum", 1}, {"maximum", kPicturesPerCallMax}}}},
        {"prompt"}));
  if (action != "generate" && takes_references)
    functions.push_back(function_of(
        kChange,
        "Makes a new picture out of given ones and shows it to the user. Pictures of the user are "
        "image_1, image_2, ... in the order of the conversation; pictures that were made have the "
        "ids that are said beside them.",
        {{"prompt", prompt},
         {"images", {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 1}}},
         {"aspect_ratio", ratio}},
        {"prompt", "images"}));
  std::vector<json> tools;
  for (json& function : functions) {
    if (api == ChatApi::completions) {
      tools.push_back({{"type", "function"}, {"function", std::move(function)}});
    } else {
      function["type"] = "function";
      tools.push_back(std::move(function));
    }
  }
  return tools;
}

/// The image tool among a body's tools; null: it has none.
json image_tool_of(std::string_view body) {
  if (body.find(kTool) == std::string_view::npos) return {};
  const auto value = parse_json(body, kTalkLimits);
  if (!value || !value->is_object()) return {};
  const json& tools = member(*value, "tools");
  if (!tools.is_array()) return {};
  const auto found = std::ranges::find_if(
      tools, [](const json& tool) { return tool.is_object() && string_in(tool, "type") == kTool; });
  return found == tools.end() ? json() : *found;
}

Error of_the_tools(Error error) {
  error.message = "tools: " + error.message;
  error.field = "tools";
  return error;
}

/// A message of a request to /responses as one of an answer from there, which is the one form that
/// every server reads: clients leave out most of it, and llama.cpp takes no other of the model's.
json whole_message(json item, std::size_t index) {
  if (!item.is_object() || string_in(item, "role").empty()) return item;
  if (const std::string type = string_in(item, "type"); !type.empty() && type != "message")
    return item;
  item["type"] = "message";
  if (string_in(item, "role") != "assistant") return item;
  if (string_in(item, "id").empty()) item["id"] = fmt::format("msg_{}", index);
  if (string_in(item, "status").empty()) item["status"] = "completed";
  json& content = item["content"];
  if (content.is_string()) content = json::array({{{"type", "output_text"}, {"text", content}}});
  if (!content.is_array()) return item;
  for (json& part : content)
    if (part.is_object() && string_in(part, "type") == "output_text" &&
        !part.contains("annotations"))
      part["annotations"] = json::array();
  return item;
}

/// `text` without what follows `limit` bytes, whole code points.
std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

}  // namespace

bool wants_image_tool(std::string_view body) { return !image_tool_of(body).is_null(); }

Result<std::optional<std::string>> image_tool_model(std::string_view body) {
  const json tool = image_tool_of(body);
  if (tool.is_null()) return std::optional<std::string>();
  auto model = read_string(tool, "model", "the name of a model");
  if (!model) return tl::unexpected(of_the_tools(std::move(model.error())));
  return model;
}

bool is_image_call(const ToolCall& call) { return call.name == kMake || call.name == kChange; }

struct ToolTalk::State {
  explicit State(std::optional<PictureMaker> by) : maker(std::move(by)) {}

  std::optional<PictureMaker> maker;
  ChatApi api = ChatApi::completions;
  json body;                // but for the tools and the choice between them
  std::vector<json> tools;  // the client's own
  std::vector<json> image_tools;
  json tool_choice;
  json image_fields = json::object();  // of the image tool
  std::vector<std::string> warnings;
  bool stream = false;
  bool include_usage = false;
  bool has_answered = false;
  std::map<std::string, SaidPicture, std::less<>> pictures;  // by the names that the model knows
  int given = 0;

  const char* list() const { return api == ChatApi::completions ? "messages" : "input"; }

  std::string name_next(SaidPicture picture) {
    std::string name = fmt::format("image_{}", ++given);
    pictures.emplace(name, std::move(picture));
    return name;
  }

  /// Takes out what says how a picture is to be, and what is not offered here.
  Result<void> read_picture_fields() {
    TRY(refuse_not_said_here(body));
    const auto pass_over = [this](const std::string& name) {
      warnings.push_back(fmt::format("{}: the model that talks says how a picture is to be", name));
      body.erase(name);
    };
    for (const std::string_view name : kOfPictures) {
      const json& value = member(body, name);
      if (value.is_null() || value == false)
        body.erase(std::string(name));
      else
        pass_over(std::string(name));
    }
    // An object is the schema of a text.
    if (member(body, "response_format").is_string()) pass_over("response_format");
    return {};
  }

  /// That pictures can be made as the image tool says.
  Result<void> check_image_fields() {
    json fields = image_fields;
    fields["model"] = maker->model;
    fields["prompt"] = "any";
    auto read = read_edit_fields(fields, maker->catalogue);
    if (!read) return tl::unexpected(of_the_tools(std::move(read.error())));
    for (const std::string& warning : read->request.warnings)
      warnings.push_back("tools: " + warning);
    return {};
  }

  Result<void> read_tools() {
    const json all = std::exchange(body["tools"], nullptr);
    body.erase("tools");
    if (!all.is_null() && !all.is_array())
      return fail(ErrorCode::unprocessable,
                  fmt::format("tools: expected a list, got {}", shown(all)), "tools");
    std::string action = "auto";
    for (const json& tool : all.is_array() ? all : json::array()) {
      if (!maker || !tool.is_object() || string_in(tool, "type") != kTool) {
        tools.push_back(tool);
        continue;
      }
      if (const std::string said = string_in(tool, "action"); !said.empty()) action = said;
      if (action != "auto" && action != "generate" && action != "edit")
        return fail(
            ErrorCode::unprocessable,
            fmt::format("tools: action: expected auto, generate or edit, got {}", shown(action)),
            "tools");
      for (const auto& [name, value] : tool.items()) {
        if (value.is_null() || is_one_of(kOfTheToolItself, name)) continue;
        if (is_one_of(kToolFields, name))
          image_fields[name] = value;
        else
          warnings.push_back(fmt::format("tools: {}: not known here and ignored", shown(name)));
      }
    }
    tool_choice = body.value("tool_choice", json());
    body.erase("tool_choice");
    if (!maker) return {};
    if (action == "edit" && !maker->takes_references)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("tools: action: edit: the model \"{}\" takes no reference pictures",
                              maker->model),
                  "tools");
    TRY(check_image_fields());
    image_tools = our_tools(api, action, maker->takes_references);
    if (tool_choice == "none") image_tools.clear();
    if (tool_choice.is_object() && string_in(tool_choice, "type") == kTool)
      tool_choice = "required";
    return {};
  }

  /// Names what the conversation has of pictures, and takes out what only we know.
  Result<void> read_messages() {
    json& list_of = body[list()];
    if (list_of.is_string()) list_of = json::array({{{"role", "user"}, {"content", list_of}}});
    json kept = json::array();
    for (json& item : list_of) {
      if (!item.is_object()) {
        kept.push_back(std::move(item));
        continue;
      }
      const std::string type = string_in(item, "type");
      const std::string id = string_in(item, "id");
      if (type == "image_generation_call" || (type == "item_reference" && id.starts_with("ig_"))) {
        kept.push_back(told_picture(item, id));
        continue;
      }
      // What the model has said came under names of ours, which its server never knew.
      if (type == "item_reference")
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{}: answers are not kept here, so there is no {}; send the item "
                                "itself, as clients do with store = false",
                                list(), shown(json(id))),
                    list());
      const bool is_answer = string_in(item, "role") == "assistant";
      if (is_answer) item.erase("images");
      if (json& content = item["content"]; content.is_array()) {
        for (json& part : content)
          if (const std::string name = read_part(part); is_answer && !name.empty())
            part = told_part(name);
      } else if (content.is_string() && is_answer) {
        content = without_data(content.get<std::string>());
      } else if (content.is_null() && !type.empty()) {
        item.erase("content");  // items that have none
      }
      kept.push_back(std::move(item));
    }
    if (api == ChatApi::responses)
      for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = whole_message(std::move(kept[i]), i);
    list_of = std::move(kept);
    return {};
  }

  json told_picture(const json& item, const std::string& id) {
    SaidPicture picture;
    if (std::string base64 = string_in(item, "result"); !base64.empty())
      picture.text = std::move(base64);
    else
      picture.item = id;
    const std::string name = id.empty() ? name_next(std::move(picture)) : id;
    if (!id.empty()) pictures.emplace(id, std::move(picture));
    return {
        {"role", "assistant"},
        {"content", fmt::format("[picture {}: {}]", name, cut(string_in(item, "prompt"), 400))}};
  }

  /// LlamaIndex puts what was made into the answer, where other servers take no pictures.
  json told_part(const std::string& name) const {
    return {{"type", api == ChatApi::responses ? "output_text" : "text"},
            {"text", fmt::format("[picture {}]", name)}};
  }

  /// The name that the picture of a part gets; none: it is no picture.
  std::string read_part(const json& part) {
    if (!part.is_object()) return {};
    const std::string type = string_in(part, "type");
    if (type != "image_url" && type != "input_image") return {};
    const json& value = part.contains("image_url") ? part["image_url"] : part;
    SaidPicture picture{.file_id = string_in(part, "file_id")};
    if (value.is_string()) picture.text = value.get<std::string>();
    if (value.is_object()) {
      picture.text = string_in(value, "url");
      if (picture.file_id.empty()) picture.file_id = string_in(value, "file_id");
    }
    if (!picture.file_id.empty()) picture.text.clear();
    return name_next(std::move(picture));
  }

  /// Markdown of earlier answers: a model needs the name of a picture, and not its megabytes.
  std::string without_data(std::string text) {
    constexpr std::string_view kData = "](data:image/";
    for (auto at = text.find(kData); at != std::string::npos; at = text.find(kData, at + 2)) {
      const auto begin = at + 2;
      const auto end = std::min(text.find(')', begin), text.size());
      const std::string name = name_next({.text = text.substr(begin, end - begin)});
      text.replace(begin, end - begin, name);
    }
    return text;
  }
};

ToolTalk::ToolTalk(std::unique_ptr<State> state) : state_(std::move(state)) {}
ToolTalk::~ToolTalk() = default;
ToolTalk::ToolTalk(ToolTalk&&) noexcept = default;
ToolTalk& ToolTalk::operator=(ToolTalk&&) noexcept = default;

Result<ToolTalk> ToolTalk::parse(std::string_view text, ChatApi api,
                                 std::optional<PictureMaker> maker) {
  auto state = std::make_unique<State>(std::move(maker));
  state->api = api;
  state->body = TRY(parse_json_object(text, kTalkLimits));
  json& asked = state->body;
  const auto refuse = [](std::string field, std::string_view why) {
    std::string message = fmt::format("{}: {}", field, why);
    return fail(ErrorCode::invalid_argument, std::move(message), std::move(field));
  };
  if (!member(asked, "previous_response_id").is_null())
    return refuse("previous_response_id",
                  "conversations with tools that make pictures are not kept here; send the items "
                  "again, a picture by its id alone");
  if (member(asked, "background") == true)
    return refuse("background", "pictures are made while their answer is waited for");
  if (const json& n = member(asked, "n"); !n.is_null() && n != 1)
    return refuse("n", "a conversation with tools that make pictures has one answer");
  TRY(check_messages(asked, api));
  state->stream = TRY(read_flag(asked, "stream"));
  if (state->maker) TRY(state->read_picture_fields());
  TRY(state->read_tools());
  TRY(state->read_messages());
  asked["stream"] = true;
  if (api == ChatApi::completions) {
    json& options = asked["stream_options"];
    if (options.is_null()) options = json::object();
    if (!options.is_object())
      return fail(ErrorCode::unprocessable,
                  fmt::format("stream_options: expected an object, got {}", shown(options)),
                  "stream_options");
    state->include_usage = TRY(read_flag(options, "include_usage"));
    options["include_usage"] = true;
  }
  return ToolTalk(std::move(state));
}

bool ToolTalk::stream() const { return state_->stream; }
bool ToolTalk::include_usage() const { return state_->include_usage; }
const std::vector<std::string>& ToolTalk::warnings() const { return state_->warnings; }

std::string ToolTalk::body(bool last) const {
  json body = state_->body;
  std::vector<json> tools = state_->tools;
  if (!last) tools.insert(tools.end(), state_->image_tools.begin(), state_->image_tools.end());
  if (tools.empty()) {
    body.erase("parallel_tool_calls");
  } else {
    body["tools"] = tools;
    // Who must call a tool has done so after the first round.
    if (!state_->tool_choice.is_null())
      body["tool_choice"] = state_->has_answered ? json("auto") : state_->tool_choice;
  }
  return body.dump();
}

void ToolTalk::add(const TalkTurn& turn) {
  state_->has_answered = true;
  json& list = state_->body[state_->list()];
  if (state_->api == ChatApi::responses) {
    const auto items = parse_json(turn.items, kTalkLimits);
    if (!items || !items->is_array()) return;
    for (const json& item : *items) list.push_back(item);
    return;
  }
  json message = {{"role", "assistant"}, {"content", turn.text}};
  for (const ToolCall& call : turn.calls)
    message["tool_calls"].push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  list.push_back(std::move(message));
}

void ToolTalk::add_result(const ToolCall& call, std::string_view text) {
  json& list = state_->body[state_->list()];
  if (state_->api == ChatApi::completions)
    list.push_back({{"role", "tool"}, {"tool_call_id", call.id}, {"content", text}});
  else
    list.push_back({{"type", "function_call_output"}, {"call_id", call.id}, {"output", text}});
}

void ToolTalk::show(std::string_view name, std::string_view url) {
  const bool is_chat = state_->api == ChatApi::completions;
  const json text = {{"type", is_chat ? "text" : "input_text"},
                     {"text", fmt::format("[picture {}, as it was made]", name)}};
  const json picture = is_chat ? json{{"type", "image_url"}, {"image_url", {{"url", url}}}}
                               : json{{"type", "input_image"}, {"image_url", url}};
  state_->body[state_->list()].push_back({{"role", "user"}, {"content", {text, picture}}});
}

Result<WantedPictures> ToolTalk::read(const ToolCall& call) const {
  const auto arguments = parse_json(call.arguments.empty() ? "{}" : call.arguments, {});
  if (!arguments || !arguments->is_object())
    return fail(ErrorCode::invalid_argument, "the arguments are no JSON object");
  json fields = state_->image_fields;
  fields["model"] = state_->maker->model;
  for (const char* name : {"prompt", "aspect_ratio"})
    if (const json& value = member(*arguments, name); !value.is_null()) fields[name] = value;
  if (const json& n = member(*arguments, "n"); call.name == kMake && n.is_number_integer())
    fields["n"] = std::clamp<std::int64_t>(n.get<std::int64_t>(), 1, kPicturesPerCallMax);
  WantedPictures wanted{.fields = TRY(read_edit_fields(fields, state_->maker->catalogue)),
                        .references = {}};
  if (call.name == kMake) return wanted;
  const json& images = member(*arguments, "images");
  if (!images.is_array() || images.empty())
    return fail(ErrorCode::invalid_argument, "images: expected the names of pictures");
  for (const json& image : images) {
    const std::string name = image.is_string() ? image.get<std::string>() : std::string();
    if (const auto known = state_->pictures.find(name); known != state_->pictures.end())
      wanted.references.push_back(known->second);
    else if (name.starts_with("ig_"))
      wanted.references.push_back({.item = name});
    else if (name.starts_with("http://") || name.starts_with("https://"))
      wanted.references.push_back({.text = name});
    else
      return fail(ErrorCode::invalid_argument,
                  fmt::format("images: there is no picture {}", shown(image)));
  }
  return wanted;
}

}  // namespace imagined::api::wire
