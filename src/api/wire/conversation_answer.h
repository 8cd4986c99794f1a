// Pictures as the answer of a conversation: as POST /v1/chat/completions tells it, and as
// POST /v1/responses does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/wire/answer_parts.h"
#include "api/wire/conversation.h"
#include "api/wire/picture_events.h"

namespace imagined::api::wire {

/// What an answer says of itself beside its pictures.
struct AnswerHead {
  std::string job_id;  // the answer and its parts are named after it
  std::string model;   // as it was asked for
  std::string prompt;
  std::string previous_response_id;  // may be empty
  std::string fingerprint;
  ResponseEcho echo = {};  // of responses
  std::int64_t created_unix_s = 0;
  bool include_usage = false;
  bool with_links = true;  // of completions: else the picture itself, as a data URL
};

/// Told as it comes, or whole: after `picture` for each and `end`.
class ConversationAnswer : public PictureAnswer {
 public:
  virtual std::string whole(const Usage& usage) = 0;
};

/// A picture is Markdown in `content` and an entry of `images`; each is a choice of its own.
std::unique_ptr<ConversationAnswer> make_completion(AnswerHead head);

/// A picture is an `image_generation_call` with its base64, in the order of xAI's recorded streams
/// (xai-api.md 1.17); the links follow as Markdown in one message.
std::unique_ptr<ConversationAnswer> make_response(AnswerHead head);

/// The job behind the name of an answer ("resp_<job>") or of a picture of it ("ig_<job>_<index>").
struct AnswerName {
  std::string job_id;
  int index = -1;  // of the picture; -1: all
};
/// None for a name that no answer of ours has.
std::optional<AnswerName> parse_answer_name(std::string_view name);

}  // namespace imagined::api::wire
