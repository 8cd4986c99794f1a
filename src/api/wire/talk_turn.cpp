#include "api/wire/talk_turn.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "api/wire/json.h"
#include "api/wire/relayed.h"
#include "api/wire/said_error.h"
#include "base/json.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kTurnBytesMax = 8u << 20;

// Another try would cost the same and end the same way.
tl::unexpected<Error> not_understood(std::string detail) {
  return tl::unexpected(Error{.code = ErrorCode::unavailable,
                              .message = "the answer of the other server is not understood",
                              .detail = std::move(detail),
                              .retry = Retry::no});
}

}  // namespace

class TurnReader::State {
 public:
  explicit State(ChatApi api) : api_(api) {}

  std::string feed(std::string_view bytes) {
    if (error_) return {};
    std::string said;
    usage_.feed(bytes);
    bytes_ += bytes.size();
    if (bytes_ > kTurnBytesMax) {
      error_ = "more than it may be";
      return {};
    }
    line_ += bytes;
    std::size_t begin = 0;
    for (auto end = line_.find('\n'); end != std::string::npos; end = line_.find('\n', begin)) {
      std::string_view line = std::string_view(line_).substr(begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      read_line(line, said);
      begin = end + 1;
    }
    line_.erase(0, begin);
    return said;
  }

  bool has_failed() const { return error_.has_value(); }

  Result<TalkTurn> end() {
    if (!has_events_ && !error_) {
      read_value(line_, turn_.unsaid);  // who knows no streams
      if (!is_over_) error_ = "no events";
    }
    if (!said_.empty())
      return fail(ErrorCode::unavailable,
                  fmt::format("the server that has the model says: {}", said_), {}, *error_);
    if (error_) return not_understood(*error_);
    if (!is_over_) return not_understood("the stream ends before its end");
    turn_.usage = usage_.usage();
    return std::move(turn_);
  }

 private:
  void read_line(std::string_view line, std::string& said) {
    constexpr std::string_view kData = "data:";
    if (!line.starts_with(kData)) return;
    has_events_ = true;
    line.remove_prefix(kData.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (line == "[DONE]") {
      // Of a server that has said nothing in these words it is no end of an answer.
      is_over_ = is_over_ || (api_ == ChatApi::completions && has_choices_);
      return;
    }
    read_value(line, said);
  }

  void read_value(std::string_view text, std::string& said) {
    const auto value = parse_json(text, kTalkLimits);
    if (!value || !value->is_object()) {
      error_ = value ? "no object" : value.error().what;
      return;
    }
    if (const json& error = member(*value, "error"); !error.is_null()) {
      keep_error(*value);
      return;
    }
    if (api_ == ChatApi::completions)
      read_choice(*value, said);
    else
      read_event(*value, said);
  }

  void keep_error(const json& value) {
    error_ = "it says: " + shown(value);
    said_ = said_error(value);
  }

  // ---- of completions: a chunk, or a whole answer
  void read_choice(const json& value, std::string& said) {
    const json& choices = member(value, "choices");
    if (!choices.is_array() || choices.empty() || !choices[0].is_object()) return;
    has_choices_ = true;
    const json& choice = choices[0];
    const bool is_whole = choice.contains("message");
    const json& delta = member(choice, is_whole ? "message" : "delta");
    if (delta.is_object()) {
      add_text(string_in(delta, "content"), said);
      const json& calls = member(delta, "tool_calls");
      for (std::size_t i = 0; calls.is_array() && i < calls.size(); ++i) read_call(calls[i], i);
    }
    if (std::string reason = string_in(choice, "finish_reason"); !reason.empty()) {
      turn_.finish_reason = std::move(reason);
      is_over_ = true;
    }
  }

  void read_call(const json& part, std::size_t position) {
    constexpr std::size_t kCallsMax = 64;
    if (!part.is_object()) return;
    const json& index = member(part, "index");
    const std::size_t at =
        index.is_number_unsigned() ? index.get<std::size_t>() : position;  // whole answers
    if (at >= kCallsMax) return;
    if (turn_.calls.size() <= at) turn_.calls.resize(at + 1);
    ToolCall& call = turn_.calls[at];
    if (std::string id = string_in(part, "id"); !id.empty()) call.id = std::move(id);
    const json& function = member(part, "function");
    if (!function.is_object()) return;
    if (call.name.empty()) call.name = string_in(function, "name");
    call.arguments += string_in(function, "arguments");
  }

  // ---- of responses: an event, or a whole answer
  void read_event(const json& value, std::string& said) {
    const std::string type = string_in(value, "type");
    if (type == "response.output_text.delta") {
      add_text(string_in(value, "delta"), said);
    } else if (type == "response.completed" || type == "response.incomplete" ||
               string_in(value, "object") == "response") {
      const json& response = type.empty() ? value : member(value, "response");
      if (response.is_object()) {
        read_output(member(response, "output"), said);
        read_why_incomplete(member(response, "incomplete_details"));
      }
      is_over_ = true;
    } else if (type == "response.failed" || type == "error") {
      keep_error(value);
    }
  }

  void read_output(const json& output, std::string& said) {
    if (!output.is_array()) return;
    const bool has_said = !turn_.text.empty();
    for (const json& item : output) {
      if (!item.is_object()) continue;
      const std::string type = string_in(item, "type");
      if (type == "function_call")
        turn_.calls.push_back({.id = string_in(item, "call_id"),
                               .name = string_in(item, "name"),
                               .arguments = string_in(item, "arguments")});
      const json& content = member(item, "content");
      if (type != "message" || has_said || !content.is_array()) continue;
      for (const json& part : content)
        if (part.is_object()) add_text(string_in(part, "text"), said);
    }
    turn_.items = output.dump();
  }

  /// In the words of completions.
  void read_why_incomplete(const json& details) {
    const std::string reason = details.is_object() ? string_in(details, "reason") : "";
    turn_.finish_reason = reason == "max_output_tokens" ? "length" : reason;
  }

  void add_text(const std::string& text, std::string& said) {
    turn_.text += text;
    said += text;
  }

  const ChatApi api_;
  UsageReader usage_;
  std::size_t bytes_ = 0;
  std::string line_;  // the one that is not whole yet
  TalkTurn turn_;
  bool has_events_ = false;
  bool has_choices_ = false;
  bool is_over_ = false;
  std::optional<std::string> error_;
  std::string said_;  // of an error that it has said itself
};

TurnReader::TurnReader(ChatApi api) : state_(std::make_unique<State>(api)) {}
TurnReader::~TurnReader() = default;
TurnReader::TurnReader(TurnReader&&) noexcept = default;
TurnReader& TurnReader::operator=(TurnReader&&) noexcept = default;
std::string TurnReader::feed(std::string_view bytes) { return state_->feed(bytes); }
bool TurnReader::has_failed() const { return state_->has_failed(); }
Result<TalkTurn> TurnReader::end() { return state_->end(); }

}  // namespace imagined::api::wire
