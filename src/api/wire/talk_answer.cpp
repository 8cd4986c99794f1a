#include "api/wire/talk_answer.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "api/wire/answer_parts.h"
#include "base/crypto.h"
#include "base/json_text.h"

namespace imagined::api::wire {
namespace {

// Why an answer ends before its end, in the words of completions.
constexpr std::string_view kLength = "length";
constexpr std::string_view kFiltered = "content_filter";

class TalkCompletion final : public TalkAnswer {
 public:
  explicit TalkCompletion(TalkHead head) : head_(std::move(head)) {}

  std::string begin() override {
    return chunk(JsonText::object({{"role", "assistant"}, {"content", ""}}));
  }

  std::string text(std::string_view said) override {
    if (said.empty()) return {};
    std::string shown = ends_with_picture_ ? "\n\n" : "";
    ends_with_picture_ = false;
    shown += said;
    content_ += shown;
    return chunk(JsonText::object({{"content", shown}}));
  }

  std::string picture_begins(std::string_view, std::string_view) override { return {}; }
  std::string no_picture(std::string_view, std::string_view) override { return {}; }

  std::string picture(const TalkPicture& picture) override {
    const std::string shown =
        (content_.empty() ? "" : "\n\n") + markdown_picture(picture.prompt, picture.url);
    content_ += shown;
    ends_with_picture_ = true;
    const JsonText entry = image_entry(picture.url, count_++);
    images_.push(entry);
    return chunk(JsonText::object({{"content", shown}, {"images", JsonText::array().push(entry)}}));
  }

  std::string calls(std::span<const ToolCall> calls) override {
    JsonText told = JsonText::array();
    int index = 0;
    for (const ToolCall& call : calls) {
      const JsonText function =
          JsonText::object({{"name", call.name}, {"arguments", call.arguments}});
      calls_.push(
          JsonText::object({{"id", call.id}, {"type", "function"}, {"function", function}}));
      told.push(JsonText::object(
          {{"index", index++}, {"id", call.id}, {"type", "function"}, {"function", function}}));
    }
    has_calls_ = true;
    return chunk(JsonText::object({{"tool_calls", told}}));
  }

  std::string end(const TalkUsage& usage, std::string_view finish_reason) override {
    const bool is_cut = finish_reason == kLength || finish_reason == kFiltered;
    finish_reason_ = has_calls_ ? "tool_calls" : is_cut ? finish_reason : "stop";
    std::string events = chunk(JsonText::object(), usage.warnings);
    if (head_.include_usage) {
      JsonText last = head("chat.completion.chunk", JsonText::array());
      last.add("usage", usage_of(usage));
      events += plain_event(last);
    }
    return events + "data: [DONE]\n\n";
  }

  std::string failed(const Error& error) override { return unnamed_error_event(error); }

  std::string whole(const TalkUsage& usage) override {
    JsonText message = JsonText::object({{"role", "assistant"}, {"content", content_}});
    if (count_ > 0) message.add("images", images_);
    if (has_calls_) message.add("tool_calls", calls_);
    message.add("refusal", nullptr);
    const JsonText choice = JsonText::object({{"index", 0},
                                              {"message", message},
                                              {"logprobs", nullptr},
                                              {"finish_reason", finish_reason_}});
    JsonText body = head("chat.completion", JsonText::array().push(choice));
    body.add("usage", usage_of(usage));
    if (!usage.warnings.empty()) body.add("warnings", JsonText::array_of(usage.warnings));
    return body.text();
  }

  std::size_t copies_kept() const override { return 0; }

 private:
  JsonText head(std::string_view object, const JsonText& choices) const {
    return JsonText::object({{"id", "chatcmpl-" + head_.id},
                             {"object", object},
                             {"created", head_.created_unix_s},
                             {"model", head_.model},
                             {"choices", choices}});
  }

  std::string chunk(const JsonText& delta, const std::vector<std::string>& warnings = {}) const {
    const JsonText choice = JsonText::object(
        {{"index", 0},
         {"delta", delta},
         {"logprobs", nullptr},
         {"finish_reason", finish_reason_.empty() ? JsonText() : JsonText(finish_reason_)}});
    JsonText value = head("chat.completion.chunk", JsonText::array().push(choice));
    if (!warnings.empty()) value.add("warnings", JsonText::array_of(warnings));
    return plain_event(value);
  }

  static JsonText usage_of(const TalkUsage& usage) {
    return JsonText::object({{"prompt_tokens", usage.input_tokens},
                             {"completion_tokens", usage.output_tokens},
                             {"total_tokens", usage.input_tokens + usage.output_tokens},
                             {"images", usage.pictures},
                             {"cost_in_usd_ticks", usage.cost_usd_ticks}});
  }

  const TalkHead head_;
  std::string content_;
  JsonText images_ = JsonText::array();
  JsonText calls_ = JsonText::array();
  std::int64_t count_ = 0;
  bool ends_with_picture_ = false;
  bool has_calls_ = false;
  std::string finish_reason_;  // empty: it is not at its end
};

class TalkResponse final : public TalkAnswer {
 public:
  explicit TalkResponse(TalkHead head)
      : id_(head.id),
        head_{.id = "resp_talk_" + head.id,
              .model = std::move(head.model),
              .previous_response_id = {},
              .incomplete_reason = {},
              .created_unix_s = head.created_unix_s,
              .echo = std::move(head.echo),
              .is_kept = false} {}

  std::string begin() override {
    const auto in_progress = [&] {
      return JsonText::object({{"response", response_value(head_, "in_progress")}});
    };
    std::string events = event("response.created", in_progress());
    return events += event("response.in_progress", in_progress());
  }

  std::string text(std::string_view said) override {
    if (said.empty()) return {};
    std::string events;
    if (!text_) {
      text_.emplace();
      events = added(message_item(message_id(), "in_progress", JsonText::array()));
      JsonText part = of_part();
      events += event("response.content_part.added", part.add("part", text_part("")));
    }
    *text_ += said;
    JsonText delta = of_part();
    return events + event("response.output_text.delta",
                          delta.add("delta", said).add("logprobs", JsonText::array()));
  }

  std::string picture_begins(std::string_view id, std::string_view prompt) override {
    std::string events = end_message();
    events += added(picture_item(id, "in_progress", prompt, JsonText()));
    for (const char* word : {"in_progress", "generating"})
      events += event(fmt::format("response.image_generation_call.{}", word), of_item(id));
    return events;
  }

  std::string picture(const TalkPicture& picture) override {
    std::string events = event("response.image_generation_call.completed", of_item(picture.id));
    return events += done(picture_item(picture.id, "completed", picture.prompt,
                                       JsonText(to_base64(picture.file.file))));
  }

  std::string no_picture(std::string_view id, std::string_view prompt) override {
    return done(picture_item(id, "failed", prompt, JsonText()));
  }

  std::string calls(std::span<const ToolCall> calls) override {
    std::string events = end_message();
    for (const ToolCall& call : calls) {
      const std::string id = fmt::format("fc_{}_{}", id_, output_index_);
      const auto item = [&](std::string_view status, std::string_view arguments) {
        return JsonText::object({{"id", id},
                                 {"type", "function_call"},
                                 {"status", status},
                                 {"call_id", call.id},
                                 {"name", call.name},
                                 {"arguments", arguments}});
      };
      events += added(item("in_progress", ""));
      JsonText delta = of_item(id);
      events += event("response.function_call_arguments.delta", delta.add("delta", call.arguments));
      JsonText whole = of_item(id);
      events += event("response.function_call_arguments.done",
                      whole.add("name", call.name).add("arguments", call.arguments));
      events += done(item("completed", call.arguments));
    }
    return events;
  }

  std::string end(const TalkUsage& usage, std::string_view finish_reason) override {
    std::string events = end_message();
    if (finish_reason == kLength) head_.incomplete_reason = "max_output_tokens";
    if (finish_reason == kFiltered) head_.incomplete_reason = kFiltered;
    const JsonText whole = ended(usage);
    return events +
           event(fmt::format("response.{}", status()), JsonText::object({{"response", whole}}));
  }

  std::string failed(const Error& error) override {
    return failed_response_events(head_, error, sequence_);
  }

  std::string whole(const TalkUsage& usage) override { return ended(usage).text(); }

  // In the event of the item, in `output_`, and in the last event.
  std::size_t copies_kept() const override { return 4; }

 private:
  std::string message_id() const { return fmt::format("msg_{}_{}", id_, output_index_); }

  std::string end_message() {
    if (!text_) return {};
    const std::string said = *std::exchange(text_, std::nullopt);
    JsonText text = of_part();
    std::string events = event("response.output_text.done",
                               text.add("text", said).add("logprobs", JsonText::array()));
    JsonText part = of_part();
    events += event("response.content_part.done", part.add("part", text_part(said)));
    return events +
           done(message_item(message_id(), "completed", JsonText::array().push(text_part(said))));
  }

  std::string added(const JsonText& item) {
    return event("response.output_item.added",
                 JsonText::object({{"output_index", output_index_}, {"item", item}}));
  }
  /// The item is whole; the next begins behind it.
  std::string done(const JsonText& item) {
    output_.push(item);
    return event("response.output_item.done",
                 JsonText::object({{"output_index", output_index_++}, {"item", item}}));
  }

  JsonText of_item(std::string_view id) const {
    return JsonText::object({{"output_index", output_index_}, {"item_id", id}});
  }
  JsonText of_part() const {
    JsonText data = of_item(message_id());
    data.add("content_index", 0);
    return data;
  }

  std::string_view status() const {
    return head_.incomplete_reason.empty() ? "completed" : "incomplete";
  }

  JsonText ended(const TalkUsage& usage) const {
    JsonText value = response_value(head_, status());
    value.add("error", nullptr);
    value.add("output", output_);
    value.add("usage", JsonText::object(
                           {{"input_tokens", usage.input_tokens},
                            {"input_tokens_details", JsonText::object({{"cached_tokens", 0}})},
                            {"output_tokens", usage.output_tokens},
                            {"output_tokens_details", JsonText::object({{"reasoning_tokens", 0}})},
                            {"total_tokens", usage.input_tokens + usage.output_tokens},
                            {"num_sources_used", 0},
                            {"num_server_side_tools_used", usage.pictures},
                            {"server_side_tool_usage_details",
                             JsonText::object({{"image_generation_calls", usage.pictures}})},
                            {"cost_in_usd_ticks", usage.cost_usd_ticks}}));
    if (!usage.warnings.empty()) value.add("warnings", JsonText::array_of(usage.warnings));
    return value;
  }

  std::string event(std::string_view type, JsonText data) {
    return numbered_event(type, std::move(data), sequence_);
  }

  const std::string id_;
  ResponseHead head_;
  JsonText output_ = JsonText::array();
  std::optional<std::string> text_;  // of the message that is being said
  int output_index_ = 0;
  std::int64_t sequence_ = 0;
};

}  // namespace

std::unique_ptr<TalkAnswer> make_talk_completion(TalkHead head) {
  return std::make_unique<TalkCompletion>(std::move(head));
}

std::unique_ptr<TalkAnswer> make_talk_response(TalkHead head) {
  return std::make_unique<TalkResponse>(std::move(head));
}

}  // namespace imagined::api::wire
