// What a conversation asks of a model that makes pictures: the bodies of POST /v1/chat/completions
// and POST /v1/responses.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/image_request.h"
#include "base/result.h"
#include "service/catalogue/catalogue.h"

namespace imagined::api::wire {

enum class ChatApi : std::uint8_t { completions, responses };

/// A picture as a conversation has it, in one of three ways.
struct SaidPicture {
  std::string text;     // a URL, a data URL or base64, or
  std::string file_id;  // kept here, or
  std::string item;     // what an answer of ours was called: "resp_..." (all of it), "ig_..._0"

  bool operator==(const SaidPicture&) const = default;
};

/// Whether pictures of the conversation are to be changed (`action` of xAI's image tool).
enum class ImageAction : std::uint8_t { auto_, generate, edit };

struct Conversation {
  GenerationCall fields;             // the prompt is the last text of the user
  std::vector<SaidPicture> given;    // by the user, since the last answer
  std::vector<SaidPicture> earlier;  // of the turn before it that has any
  bool is_answer = true;             // `earlier` is an answer, and no turn of the user
  ImageAction action = ImageAction::auto_;
  std::string previous_response_id;  // as it came; may be empty
  bool include_usage = false;        // a stream of completions ends with it
};

/// Messages and items as every client writes them; pictures of answers are those of their Markdown,
/// of `images` and of `image_generation_call` items. What a message of the user has twice is two
/// pictures; what a message has that one before it in the same turn had is none more. Whatever
/// tunes a picture may stand beside them as at /v1/images (`n`, `size`, `aspect_ratio`, `seed`,
/// ...), in OpenRouter's `image_config` and in the `image_generation` tool; what only tunes a text
/// is passed over. Errors as `parse_generation_call`, naming the message.
Result<Conversation> parse_conversation(std::string_view body, ChatApi api,
                                        const service::Catalogue& catalogue);

/// That a body has messages at all: a list that is not empty, and of responses also a text.
/// `invalid_argument`, or `unprocessable` for something else.
Result<void> check_messages(const nlohmann::json& body, ChatApi api);

/// What a conversation cannot ask of its pictures, though /v1/images can: `invalid_argument`.
Result<void> refuse_not_said_here(const nlohmann::json& body);

/// Whether a text asks what a picture shows, which no model that makes pictures can tell.
bool asks_what_is_seen(std::string_view prompt);

}  // namespace imagined::api::wire
