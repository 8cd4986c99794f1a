// Parts that the answers of every conversation have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/picture_events.h"
#include "base/json_text.h"

namespace imagined::api::wire {

/// A picture in Markdown; the alternative text is the prompt without what Markdown would read.
std::string markdown_picture(std::string_view prompt, std::string_view url);
std::string data_url_of(const EventPicture& picture);

/// `data: {...}`, as completions have their events.
std::string plain_event(const JsonText& data);

/// What completions list a picture as.
JsonText image_entry(std::string_view url, std::int64_t index);

/// Items of a response and their parts.
JsonText text_part(std::string_view text);
JsonText message_item(std::string_view id, std::string_view status, const JsonText& content);
JsonText picture_item(std::string_view id, std::string_view status, std::string_view prompt,
                      const JsonText& result);

/// What a response repeats of its request, as OpenAI's do: `tools`, `temperature`, ..., each with
/// its usual value where the request has none.
using ResponseEcho = std::vector<JsonText::Member>;
/// Of a body that was taken.
ResponseEcho echo_of(std::string_view body);
std::size_t size_of(const ResponseEcho& echo);

/// A response in one of its states; `error`, `output` and `usage` of one that has ended well are
/// the caller's.
struct ResponseHead {
  std::string id;
  std::string model;
  std::string previous_response_id;  // may be empty
  std::string incomplete_reason;     // "max_output_tokens", "content_filter"; empty: it is whole
  std::int64_t created_unix_s = 0;
  ResponseEcho echo = {};
  bool is_kept = true;  // it can be named as `previous_response_id`
};
JsonText response_value(const ResponseHead& head, std::string_view status);

/// `response.failed` and `error`, each with its name and number.
std::string failed_response_events(const ResponseHead& head, const Error& error,
                                   std::int64_t& sequence);
/// One event with its name and the next number.
std::string numbered_event(std::string_view type, JsonText data, std::int64_t& sequence);

}  // namespace imagined::api::wire
