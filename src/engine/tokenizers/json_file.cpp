#include "engine/tokenizers/json_file.h"

#include <fmt/core.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/json.h"
#include "base/text.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

/// Reads one added token; `key` names it in messages.
Result<AddedToken> read_added_token(const json& entry, const json& id, std::string_view file,
                                    std::string_view key) {
  if (!entry.is_object() || !member(entry, "content").is_string())
    return refuse(file, key, "expected an object with \"content\"");
  if (!is_token_id(id))
    return refuse(file, key,
                  fmt::format("the id is no whole number from 0 to {}", kMaxTokenId - 1));
  AddedToken token;
  token.content = text_of(member(entry, "content"));
  if (token.content.size() > kMaxAddedTokenBytes)
    return refuse(
        file, key,
        fmt::format("a token of {} bytes, {} allowed", token.content.size(), kMaxAddedTokenBytes));
  token.id = id.get<std::int32_t>();
  token.normalized = flag(entry, "normalized");
  token.left_strip = flag(entry, "lstrip");
  token.right_strip = flag(entry, "rstrip");
  token.single_word = flag(entry, "single_word");
  return token;
}

/// The ids of a template's special token, whose "id" names an entry of `tokens`.
Result<std::vector<std::int32_t>> special_ids(const json& special, const json& tokens) {
  const std::string name = text_of(member(special, "id"));
  const json& entry = tokens.is_object() ? member(tokens, name.c_str()) : tokens;
  const json& ids = entry.is_object() ? member(entry, "ids") : entry;
  if (!ids.is_array() || ids.empty() || ids.size() > 8)
    return refuse(kTokenizerFile, "post_processor.special_tokens",
                  fmt::format("expected the ids of {}", json(name).dump()));
  std::vector<std::int32_t> result;
  for (const json& id : ids) {
    if (!is_token_id(id))
      return refuse(kTokenizerFile, "post_processor.special_tokens",
                    fmt::format("{} has an id that is no whole number from 0 to {}",
                                json(name).dump(), kMaxTokenId - 1));
    result.push_back(id.get<std::int32_t>());
  }
  return result;
}

Result<Frame> read_template(const json& post) {
  const json& single = member(post, "single");
  if (!single.is_array() || single.size() > 16)
    return refuse(kTokenizerFile, "post_processor.single", "expected a list of at most 16 parts");
  Frame frame;
  bool seen_text = false;
  for (const json& part : single) {
    const json& special = part.is_object() ? member(part, "SpecialToken") : part;
    if (special.is_object()) {
      std::vector<std::int32_t>& ids = seen_text ? frame.after : frame.before;
      for (const std::int32_t id : TRY(special_ids(special, member(post, "special_tokens"))))
        ids.push_back(id);
    } else if (part.is_object() && member(part, "Sequence").is_object() && !seen_text) {
      seen_text = true;
    } else {
      return refuse(kTokenizerFile, "post_processor.single",
                    "expected special tokens around one sequence");
    }
  }
  if (!seen_text) return refuse(kTokenizerFile, "post_processor.single", "has no sequence");
  return frame;
}

/// ["<|endoftext|>", 49407]
Result<std::int32_t> read_named_id(const json& post, const char* key) {
  const json& pair = member(post, key);
  if (!pair.is_array() || pair.size() != 2 || !is_token_id(pair[1]))
    return refuse(kTokenizerFile, fmt::format("post_processor.{}", key),
                  "expected a token and its id");
  return pair[1].get<std::int32_t>();
}

}  // namespace

tl::unexpected<Error> refuse(std::string_view file, std::string_view key, std::string_view what,
                             ErrorCode code) {
  return fail(code, fmt::format("{}: \"{}\": {}", file, key, what));
}

tl::unexpected<Error> unsupported(std::string_view key, std::string_view what) {
  return refuse(kTokenizerFile, key, fmt::format("{} is not supported", what),
                ErrorCode::unimplemented);
}

Result<json> parse_object(std::string_view text, std::string_view file) {
  auto root = parse_json(text, {.depth_max = 32});
  if (!root)
    return fail(ErrorCode::data_loss,
                fmt::format("{}: not valid JSON: {}", file, root.error().what));
  if (!root->is_object())
    return fail(ErrorCode::invalid_argument, fmt::format("{}: not a JSON object", file));
  return std::move(*root);
}

const json& member(const json& object, const char* key) {
  static const json null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

bool flag(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

Result<> read_special_token(const json& config, const char* key, std::string& token) {
  const json& value = member(config, key);
  if (value.is_null()) return {};
  const json& text = value.is_object() ? member(value, "content") : value;
  if (!text.is_string()) return refuse(kTokenizerConfigFile, key, "expected a string");
  token = text_of(text);
  return {};
}

void read_sides(const json& root, Sides& sides) {
  const auto read = [&](const char* step, std::string_view key, Sides::Side& side) {
    const json& value = member(root, step);
    if (value.is_object() && member(value, "direction").is_string())
      side = {text_of(member(value, "direction")), kTokenizerFile, key};
  };
  read("padding", "padding.direction", sides.padding);
  read("truncation", "truncation.direction", sides.truncation);
}

void read_padding_token(const json& root, std::string& token) {
  const json& padding = member(root, "padding");
  if (padding.is_object() && member(padding, "pad_token").is_string())
    token = text_of(member(padding, "pad_token"));
}

Result<> read_configured_sides(const json& config, Sides& sides) {
  const auto read = [&](const char* key, Sides::Side& side) -> Result<> {
    const json& value = member(config, key);
    if (value.is_null()) return {};
    if (!value.is_string()) return refuse(kTokenizerConfigFile, key, "expected a string");
    side = {text_of(value), kTokenizerConfigFile, key};
    return {};
  };
  TRY(read("padding_side", sides.padding));
  return read("truncation_side", sides.truncation);
}

Result<> check_sides(const Sides& sides) {
  for (const Sides::Side& side : {sides.padding, sides.truncation})
    if (!side.side.empty() && !equal_ignoring_case(side.side, "right"))
      return refuse(side.file, side.key,
                    fmt::format("{} is not supported, only \"right\"", json(side.side).dump()),
                    ErrorCode::unimplemented);
  return {};
}

bool is_token_id(const json& value) {
  return value.is_number_unsigned() &&
         value.get<std::uint64_t>() < static_cast<std::uint64_t>(kMaxTokenId);
}

std::vector<const json*> steps_of(const json& step, const char* list) {
  std::vector<const json*> steps;
  if (step.is_null()) return steps;
  if (step.is_object() && text_of(member(step, "type")) == "Sequence" &&
      member(step, list).is_array()) {
    for (const json& inner : member(step, list)) steps.push_back(&inner);
  } else {
    steps.push_back(&step);
  }
  return steps;
}

std::string type_of(const json& step) {
  return step.is_object() ? text_of(member(step, "type")) : std::string();
}

Result<Frame> read_frame(const json& post) {
  const std::string type = type_of(post);
  if (type == "Sequence" && member(post, "processors").is_array()) {
    // Each goes around what the ones before it made.
    Frame whole;
    for (const json& step : member(post, "processors")) {
      const Frame frame = TRY(read_frame(step));  // nested no deeper than the file may be
      whole.before.insert(whole.before.begin(), frame.before.begin(), frame.before.end());
      whole.after.insert(whole.after.end(), frame.after.begin(), frame.after.end());
    }
    return whole;
  }
  if (type == "TemplateProcessing") return read_template(post);
  if (type == "RobertaProcessing") {
    const std::int32_t before = TRY(read_named_id(post, "cls"));
    const std::int32_t after = TRY(read_named_id(post, "sep"));
    return Frame{{before}, {after}};
  }
  if (post.is_null() || type == "ByteLevel") return Frame{};
  return unsupported("post_processor", fmt::format("\"{}\"", type));
}

Result<std::vector<AddedToken>> read_added_tokens(const json& list) {
  std::vector<AddedToken> added;
  if (list.is_null()) return added;
  if (!list.is_array() || list.size() > kMaxAddedTokens)
    return refuse(kTokenizerFile, "added_tokens",
                  fmt::format("expected a list of at most {} tokens", kMaxAddedTokens));
  std::unordered_set<std::string> known;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json& id = list[i].is_object() ? member(list[i], "id") : list[i];
    AddedToken token =
        TRY(read_added_token(list[i], id, kTokenizerFile, fmt::format("added_tokens[{}]", i)));
    if (!known.insert(token.content).second)
      return refuse(kTokenizerFile, fmt::format("added_tokens[{}]", i),
                    fmt::format("{} twice", json(token.content).dump()));
    added.push_back(std::move(token));
  }
  return added;
}

Result<> read_added_token_ids(const json& ids, std::vector<AddedToken>& added) {
  if (ids.size() > kMaxAddedTokens)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: more than {} tokens", kAddedTokensFile, kMaxAddedTokens));
  std::unordered_set<std::string> known;
  for (const AddedToken& token : added) known.insert(token.content);
  for (const auto& [content, id] : ids.items()) {
    const json entry = {{"content", content}};
    AddedToken token = TRY(read_added_token(entry, id, kAddedTokensFile, content));
    if (known.insert(token.content).second) added.push_back(std::move(token));
  }
  return {};
}

Result<> read_added_tokens_decoder(const json& decoder, std::vector<AddedToken>& added) {
  if (decoder.is_null()) return {};
  if (!decoder.is_object() || decoder.size() > kMaxAddedTokens)
    return refuse(kTokenizerConfigFile, "added_tokens_decoder",
                  fmt::format("expected an object of at most {} tokens", kMaxAddedTokens));
  std::unordered_set<std::string> known;
  for (const AddedToken& token : added) known.insert(token.content);
  for (const auto& [key, entry] : decoder.items()) {
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool whole = error == std::errc() && end == key.data() + key.size();
    AddedToken token = TRY(read_added_token(entry, whole ? json(id) : json(), kTokenizerConfigFile,
                                            fmt::format("added_tokens_decoder.{}", key)));
    if (known.insert(token.content).second) added.push_back(std::move(token));
  }
  return {};
}

}  // namespace imagined::engine
