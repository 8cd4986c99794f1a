// The answer of a model that talks and makes pictures on the way: as POST /v1/chat/completions
// tells it, and as POST /v1/responses does.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/answer_parts.h"
#include "api/wire/picture_events.h"
#include "api/wire/talk_turn.h"

namespace imagined::api::wire {

struct TalkHead {
  std::string id;  // a UUID of its own: the answer is no job
  std::string model;
  std::int64_t created_unix_s = 0;
  bool include_usage = false;
  ResponseEcho echo = {};  // of responses
};

/// A picture of the answer.
struct TalkPicture {
  std::string id;  // "ig_<job>_<index>": by it the next request names it
  std::string prompt;
  std::string url;
  EventPicture file;
};

/// Of all rounds and pictures together.
struct TalkUsage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t pictures = 0;
  std::int64_t cost_usd_ticks = 0;
  std::vector<std::string> warnings;
};

/// Told as it comes, by the events that each function returns, or whole after `end`.
class TalkAnswer {
 public:
  virtual ~TalkAnswer() = default;
  virtual std::string begin() = 0;
  virtual std::string text(std::string_view said) = 0;
  /// Of a picture that is not made yet, in their order; `picture` or `no_picture` follows.
  virtual std::string picture_begins(std::string_view id, std::string_view prompt) = 0;
  virtual std::string picture(const TalkPicture& picture) = 0;
  virtual std::string no_picture(std::string_view id, std::string_view prompt) = 0;
  /// Calls of tools that are the client's.
  virtual std::string calls(std::span<const ToolCall> calls) = 0;
  virtual std::string end(const TalkUsage& usage, std::string_view finish_reason) = 0;
  virtual std::string failed(const Error& error) = 0;
  virtual std::string whole(const TalkUsage& usage) = 0;
  /// How often the base64 of each picture is in memory until the end; 0: its file is not needed.
  virtual std::size_t copies_kept() const = 0;
};

/// A picture is Markdown with its link among the words, and an entry of `images`.
std::unique_ptr<TalkAnswer> make_talk_completion(TalkHead head);
/// A picture is an `image_generation_call` item, in the order of xAI's recorded streams
/// (xai-api.md 1.17), with its base64.
std::unique_ptr<TalkAnswer> make_talk_response(TalkHead head);

}  // namespace imagined::api::wire
