#include "api/wire/conversation_answer.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "api/wire/answer_parts.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "base/json_text.h"

namespace imagined::api::wire {
namespace {

/// OpenAI's chat counts its tokens under other names than its pictures.
JsonText completion_usage(const Usage& usage, std::int64_t pictures) {
  const JsonText read = JsonText::object({{"cached_tokens", 0},
                                          {"audio_tokens", 0},
                                          {"text_tokens", usage.input_tokens},
                                          {"image_tokens", 0}});
  const JsonText written = JsonText::object({{"reasoning_tokens", 0},
                                             {"audio_tokens", 0},
                                             {"accepted_prediction_tokens", 0},
                                             {"rejected_prediction_tokens", 0}});
  return JsonText::object({{"prompt_tokens", usage.input_tokens},
                           {"completion_tokens", 0},
                           {"total_tokens", usage.input_tokens},
                           {"prompt_tokens_details", read},
                           {"completion_tokens_details", written},
                           {"num_sources_used", 0},
                           {"images", pictures},
                           {"cost_in_usd_ticks", usage.cost_usd_ticks}});
}

class Completion final : public ConversationAnswer {
 public:
  explicit Completion(AnswerHead head) : head_(std::move(head)) {}

  std::string begin() override {
    return chunk(0, JsonText::object({{"role", "assistant"}, {"content", ""}}), nullptr);
  }

  std::string preview(const EventPicture&, int) override { return {}; }

  std::string picture(const EventPicture& picture, std::string_view url,
                      const Usage& usage) override {
    const std::string shown = url.empty() ? data_url_of(picture) : std::string(url);
    const std::string content = markdown_picture(head_.prompt, shown);
    JsonText images = JsonText::array();
    images.push(image_entry(shown, 0));
    const int index = static_cast<int>(count_++);
    choices_.push(JsonText::object({{"index", index},
                                    {"message", JsonText::object({{"role", "assistant"},
                                                                  {"content", content},
                                                                  {"images", images},
                                                                  {"refusal", nullptr}})},
                                    {"logprobs", nullptr},
                                    {"finish_reason", "stop"}}));
    JsonText delta = JsonText::object();
    if (index > 0) delta.add("role", "assistant");
    delta.add("content", content).add("images", images);
    return chunk(index, delta, nullptr) + chunk(index, JsonText::object(), "stop", usage.warnings);
  }

  std::string end(const Usage& usage) override {
    std::string events;
    if (head_.include_usage) {
      JsonText last = head("chat.completion.chunk", JsonText::array());
      last.add("usage", completion_usage(usage, count_));
      events = plain_event(last);
    }
    return events + "data: [DONE]\n\n";
  }

  std::string failed(const Error& error) override { return unnamed_error_event(error); }

  std::string whole(const Usage& usage) override {
    JsonText body = head("chat.completion", choices_);
    body.add("usage", completion_usage(usage, count_));
    if (!usage.warnings.empty()) body.add("warnings", JsonText::array_of(usage.warnings));
    return body.text();
  }

  bool wants_files() const override { return !head_.with_links; }
  // In the event twice, in `choices_` twice.
  std::size_t copies_kept() const override { return 4; }

 private:
  JsonText head(std::string_view object, const JsonText& choices) const {
    return JsonText::object({{"id", "chatcmpl-" + head_.job_id},
                             {"object", object},
                             {"created", head_.created_unix_s},
                             {"model", head_.model},
                             {"system_fingerprint", head_.fingerprint},
                             {"choices", choices}});
  }

  std::string chunk(int index, const JsonText& delta, const char* finish_reason,
                    const std::vector<std::string>& warnings = {}) const {
    const JsonText choice = JsonText::object(
        {{"index", index},
         {"delta", delta},
         {"logprobs", nullptr},
         {"finish_reason", finish_reason == nullptr ? JsonText() : JsonText(finish_reason)}});
    JsonText value = head("chat.completion.chunk", JsonText::array().push(choice));
    if (!warnings.empty()) value.add("warnings", JsonText::array_of(warnings));
    return plain_event(value);
  }

  const AnswerHead head_;
  JsonText choices_ = JsonText::array();
  std::int64_t count_ = 0;
};

JsonText response_usage(const Usage& usage, std::int64_t pictures) {
  return JsonText::object(
      {{"input_tokens", usage.input_tokens},
       {"input_tokens_details", JsonText::object({{"cached_tokens", 0}})},
       {"output_tokens", 0},
       {"output_tokens_details", JsonText::object({{"reasoning_tokens", 0}})},
       {"total_tokens", usage.input_tokens},
       {"num_sources_used", 0},
       {"num_server_side_tools_used", pictures},
       {"server_side_tool_usage_details", JsonText::object({{"image_generation_calls", pictures}})},
       {"cost_in_usd_ticks", usage.cost_usd_ticks}});
}

class ResponseAnswer final : public ConversationAnswer {
 public:
  explicit ResponseAnswer(AnswerHead head)
      : head_(std::move(head)),
        response_{.id = "resp_" + head_.job_id,
                  .model = head_.model,
                  .previous_response_id = head_.previous_response_id,
                  .incomplete_reason = {},
                  .created_unix_s = head_.created_unix_s,
                  .echo = head_.echo} {}

  std::string begin() override {
    std::string events =
        event("response.created",
              JsonText::object({{"response", response_value(response_, "in_progress")}}));
    events += event("response.in_progress",
                    JsonText::object({{"response", response_value(response_, "in_progress")}}));
    return events + begin_picture();
  }

  std::string preview(const EventPicture& picture, int number) override {
    JsonText data = of_item(picture.index, picture_id(picture.index));
    data.add("partial_image_index", number);
    data.add("output_format", to_string(picture.format));
    data.add("partial_image_b64", to_base64(picture.file));
    return event("response.image_generation_call.partial_image", data);
  }

  std::string picture(const EventPicture& picture, std::string_view url, const Usage&) override {
    std::string events = begun_ == count_ ? begin_picture() : std::string();
    const int index = static_cast<int>(count_++);
    if (!text_.empty()) text_ += "\n\n";
    text_ += markdown_picture(head_.prompt, url);
    events += event("response.image_generation_call.completed", of_item(index, picture_id(index)));
    JsonText item = item_of(index, "completed", JsonText(to_base64(picture.file)));
    output_.push(item);
    events += event("response.output_item.done",
                    JsonText::object({{"output_index", index}, {"item", item}}));
    return events;
  }

  std::string end(const Usage& usage) override {
    const auto index = static_cast<int>(count_);
    const JsonText none = JsonText::array();
    std::string events =
        event("response.output_item.added",
              JsonText::object({{"output_index", index}, {"item", message("in_progress", none)}}));
    const auto of_part = [&] {
      JsonText data = of_item(index, message_id());
      data.add("content_index", 0);
      return data;
    };
    JsonText added = of_part();
    events += event("response.content_part.added", added.add("part", text_part("")));
    JsonText delta = of_part();
    events += event("response.output_text.delta",
                    delta.add("delta", text_).add("logprobs", JsonText::array()));
    JsonText text = of_part();
    events += event("response.output_text.done",
                    text.add("text", text_).add("logprobs", JsonText::array()));
    JsonText done = of_part();
    events += event("response.content_part.done", done.add("part", text_part(text_)));
    const JsonText item = message("completed", JsonText::array().push(text_part(text_)));
    output_.push(item);
    events += event("response.output_item.done",
                    JsonText::object({{"output_index", index}, {"item", item}}));
    JsonText whole = response_value(response_, "completed");
    add_end(whole, usage);
    return events + event("response.completed", JsonText::object({{"response", whole}}));
  }

  std::string failed(const Error& error) override {
    return failed_response_events(response_, error, sequence_);
  }

  std::string whole(const Usage& usage) override {
    JsonText body = response_value(response_, "completed");
    add_end(body, usage);
    return body.text();
  }

  // In the event of the item, in `output_`, and in the last event.
  std::size_t copies_kept() const override { return 4; }

 private:
  std::string picture_id(int index) const { return fmt::format("ig_{}_{}", head_.job_id, index); }
  std::string message_id() const { return "msg_" + head_.job_id; }

  JsonText item_of(int index, std::string_view status, const JsonText& result) const {
    return picture_item(picture_id(index), status, head_.prompt, result);
  }
  JsonText message(std::string_view status, const JsonText& content) const {
    return message_item(message_id(), status, content);
  }

  static JsonText of_item(int index, std::string_view id) {
    return JsonText::object({{"output_index", index}, {"item_id", id}});
  }

  std::string begin_picture() {
    const auto index = static_cast<int>(begun_++);
    std::string events =
        event("response.output_item.added",
              JsonText::object(
                  {{"output_index", index}, {"item", item_of(index, "in_progress", JsonText())}}));
    for (const char* word : {"in_progress", "generating"})
      events += event(fmt::format("response.image_generation_call.{}", word),
                      of_item(index, picture_id(index)));
    return events;
  }

  void add_end(JsonText& value, const Usage& usage) const {
    value.add("error", nullptr);
    value.add("output", output_);
    value.add("usage", response_usage(usage, count_));
    if (!usage.warnings.empty()) value.add("warnings", JsonText::array_of(usage.warnings));
  }

  std::string event(std::string_view type, JsonText data) {
    return numbered_event(type, std::move(data), sequence_);
  }

  const AnswerHead head_;
  const ResponseHead response_;
  JsonText output_ = JsonText::array();
  std::string text_;        // of the message
  std::int64_t begun_ = 0;  // pictures
  std::int64_t count_ = 0;  // finished ones
  std::int64_t sequence_ = 0;
};

}  // namespace

std::unique_ptr<ConversationAnswer> make_completion(AnswerHead head) {
  return std::make_unique<Completion>(std::move(head));
}

std::unique_ptr<ConversationAnswer> make_response(AnswerHead head) {
  return std::make_unique<ResponseAnswer>(std::move(head));
}

std::optional<AnswerName> parse_answer_name(std::string_view name) {
  AnswerName found;
  if (name.starts_with("resp_")) {
    found.job_id = name.substr(5);
  } else if (name.starts_with("ig_")) {
    const auto end = name.rfind('_');
    found.job_id = name.substr(3, std::max<std::size_t>(end, 3) - 3);
    const std::string_view index = name.substr(end + 1);
    const auto [stop, error] =
        std::from_chars(index.data(), index.data() + index.size(), found.index);
    if (error != std::errc() || stop != index.data() + index.size() || found.index < 0)
      return std::nullopt;
  }
  if (!is_uuid(found.job_id)) return std::nullopt;
  return found;
}

}  // namespace imagined::api::wire
