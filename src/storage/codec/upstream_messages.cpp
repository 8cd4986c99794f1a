#include "storage/codec/upstream_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "base/crypto.h"
#include "base/json.h"
#include "base/json_text.h"

namespace imagined::storage {
namespace {

using nlohmann::json;
using service::UpstreamOrder;

constexpr std::size_t kGivenBytesMax = 64u << 20;
constexpr std::size_t kMessageBytesMax = 400;
constexpr std::int64_t kDurationMsMax = 3'600'000;

tl::unexpected<Error> not_answered(std::string detail) {
  return fail(ErrorCode::data_loss, "the other server's answer is not understood", {},
              std::move(detail));
}

/// The object that a text is.
Result<json> object_of(std::string_view text) {
  auto value = parse_json(text, {});
  if (!value) return not_answered(value.error().what);
  if (!value->is_object()) return not_answered("no object");
  return std::move(*value);
}

std::string text_of(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

/// None: it is no such number, or below zero.
std::optional<double> number_in(const json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number()) return std::nullopt;
  const double number = member->get<double>();
  return number >= 0 ? std::optional(number) : std::nullopt;
}

std::int64_t cost_in(const json& answer) {
  const auto usage = answer.find("usage");
  if (usage == answer.end() || !usage->is_object()) return -1;
  const auto cost = usage->find("cost_in_usd_ticks");
  if (cost == usage->end() || !cost->is_number_integer()) return -1;
  return std::max<std::int64_t>(cost->get<std::int64_t>(), -1);
}

/// `{"url":"data:..."}`, built in place: base64 needs no escapes.
void append_data_url(const service::GivenFile& file, std::string& text) {
  text += R"({"url":"data:)";
  text += file.mime_type;
  text += ";base64,";
  append_base64(file.bytes, text);
  text += R"(","type":")";
  text += file.mime_type.starts_with("video/") ? "video_url\"}" : "image_url\"}";
}

JsonText fields_of(std::string_view model, const service::PictureRequest& wanted) {
  JsonText fields = JsonText::object({{"model", model}});
  if (!wanted.prompt.text().empty()) fields.add("prompt", wanted.prompt.text());
  if (wanted.aspect_ratio != service::AspectRatio::auto_)
    fields.add("aspect_ratio", service::to_string(wanted.aspect_ratio));
  if (wanted.seed) fields.add("seed", *wanted.seed);
  if (wanted.steps) fields.add("steps", *wanted.steps);
  if (wanted.guidance) fields.add("guidance", static_cast<double>(*wanted.guidance));
  return fields;
}

JsonText fields_of(std::string_view model, const service::JobPayload& wanted) {
  const service::PictureRequest& pictures = service::wanted_pictures(wanted);
  JsonText fields = fields_of(model, pictures);
  if (const auto* video = std::get_if<service::VideoRequest>(&wanted)) {
    if (video->task != service::VideoTask::edit) fields.add("duration", video->seconds);
    if (video->task == service::VideoTask::generation)
      fields.add("resolution", service::to_string(video->resolution));
    return fields;
  }
  fields.add("n", pictures.count);
  fields.add("response_format", "b64_json");
  // Who makes no other takes no such field.
  if (pictures.resolution != service::Resolution::k1)
    fields.add("resolution", service::to_string(pictures.resolution));
  return fields;
}

bool is_about_moderation(std::string_view code, std::string_view message) {
  for (const std::string_view word : {"moderat", "content_policy", "safety"})
    if (code.find(word) != std::string_view::npos) return true;
  return message.find("content moderation") != std::string_view::npos;
}

/// What an error says, shown to the customer: one line, not too long.
std::string shown_message(std::string message) {
  for (char& c : message)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  if (message.size() <= kMessageBytesMax) return message;
  std::size_t end = kMessageBytesMax;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  return message.substr(0, end) + "...";
}

Error error_of(std::string code, std::string message) {
  message = shown_message(std::move(message));
  Error error{.code = ErrorCode::invalid_argument,
              .message = message.empty() ? "the other server refuses it" : message,
              .detail = code};
  if (is_about_moderation(code, message)) error.reason = ErrorReason::content_moderated;
  return error;
}

}  // namespace

std::string_view path_for(const service::JobPayload& wanted) {
  if (const auto* video = std::get_if<service::VideoRequest>(&wanted)) {
    switch (video->task) {
      case service::VideoTask::generation:
        return "/videos/generations";
      case service::VideoTask::extension:
        return "/videos/extensions";
      case service::VideoTask::edit:
        return "/videos/edits";
    }
  }
  return std::holds_alternative<service::EditRequest>(wanted) ? "/images/edits"
                                                              : "/images/generations";
}

Result<std::string> encode_upstream_order(std::string_view model, const UpstreamOrder& order) {
  std::string body = fields_of(model, order.wanted).text();
  if (order.given.empty()) return body;
  std::size_t size = body.size();
  for (const service::GivenFile& file : order.given) size += base64_size(file.bytes.size()) + 64;
  if (size > kGivenBytesMax)
    return fail(ErrorCode::payload_too_large,
                fmt::format("what is given has more than {} bytes together in base64, which is the "
                            "most that another server is sent",
                            kGivenBytesMax));
  body.reserve(size + 64);
  body.pop_back();
  const auto* video = std::get_if<service::VideoRequest>(&order.wanted);
  const bool is_video = video != nullptr && !video->video.empty();
  const bool several = order.given.size() > 1;
  body += is_video ? R"(,"video":)" : several ? R"(,"images":[)" : R"(,"image":)";
  for (const service::GivenFile& file : order.given) {
    if (&file != &order.given.front()) body += ',';
    append_data_url(file, body);
  }
  body += several ? "]}" : "}";
  return body;
}

Result<AnsweredPictures> decode_answered_pictures(std::string_view text) {
  const json answer = TRY(object_of(text));
  const auto data = answer.find("data");
  if (data == answer.end() || !data->is_array()) return not_answered("no data");
  AnsweredPictures answered{.pictures = {}, .cost_usd_ticks = cost_in(answer)};
  if (data->empty()) answered.kept_back = true;  // 200 without pictures is moderation's answer
  for (const json& item : *data) {
    if (!item.is_object()) return not_answered("a picture is no object");
    const auto respects = item.find("respect_moderation");
    if (respects != item.end() && *respects == false) {
      answered.kept_back = true;
      continue;
    }
    AnsweredPicture picture{.file = {}, .url = text_of(item, "url")};
    if (const std::string base64 = text_of(item, "b64_json"); !base64.empty()) {
      const auto comma = base64.starts_with("data:") ? base64.find(',') + 1 : 0;
      auto file = from_base64(std::string_view(base64).substr(comma));
      if (!file) return not_answered("b64_json is no base64");
      picture.file.assign(file->begin(), file->end());
    }
    if (picture.file.empty() && picture.url.empty()) return not_answered("an empty picture");
    answered.pictures.push_back(std::move(picture));
  }
  return answered;
}

Result<std::string> decode_request_id(std::string_view text) {
  constexpr std::size_t kIdBytesMax = 128;
  const json answer = TRY(object_of(text));
  std::string id = text_of(answer, "request_id");
  // It becomes a part of a URL.
  const bool is_plain = std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
  if (id.empty() || id.size() > kIdBytesMax || !is_plain) return not_answered("no request_id");
  return id;
}

Result<AnsweredVideo> decode_answered_video(std::string_view text) {
  AnsweredVideo answered;
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return answered;
  const json answer = TRY(object_of(text));
  const std::string status = text_of(answer, "status");
  answered.cost_usd_ticks = cost_in(answer);
  if (const auto percent = number_in(answer, "progress"))
    answered.percent = static_cast<int>(std::min(*percent, 99.0));
  if (status == "done") {
    const auto video = answer.find("video");
    if (video == answer.end() || !video->is_object()) return not_answered("no video");
    answered.state = AnsweredVideo::State::done;
    answered.url = text_of(*video, "url");
    const auto respects = video->find("respect_moderation");
    if (respects != video->end() && *respects == false)
      answered.url.clear();
    else if (answered.url.empty())
      return not_answered("a video without a URL");
    const double seconds = number_in(*video, "duration").value_or(0);
    answered.duration_ms =
        static_cast<std::int64_t>(std::min<double>(seconds * 1000, kDurationMsMax));
  } else if (status == "failed" || status == "expired") {
    answered.state = AnsweredVideo::State::failed;
    const auto error = answer.find("error");
    const bool has_error = error != answer.end() && error->is_object();
    const std::string code = has_error ? text_of(*error, "code") : status;
    answered.error = error_of(code, has_error ? text_of(*error, "message") : std::string());
    if (code != "invalid_argument" && answered.error->reason == ErrorReason::none) {
      answered.error->code = ErrorCode::unavailable;
      answered.error->retry = Retry::no;
    }
  }
  return answered;  // states that nobody knows yet are pending ones
}

Error decode_upstream_error(int status, std::string_view text) {
  std::string code = fmt::format("status {}", status);
  const auto answer = object_of(text);
  if (!answer) return error_of(std::move(code), {});
  if (const std::string own = text_of(*answer, "code"); !own.empty()) code += " " + own;
  const auto error = answer->find("error");
  if (error == answer->end()) return error_of(std::move(code), text_of(*answer, "message"));
  if (!error->is_object()) return error_of(std::move(code), text_of(*answer, "error"));
  if (const std::string own = text_of(*error, "code"); !own.empty()) code += " " + own;
  return error_of(std::move(code), text_of(*error, "message"));
}

}  // namespace imagined::storage
