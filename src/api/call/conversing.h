// The pictures of a conversation on their way to an edit.
#pragma once

#include <vector>

#include "api/call/call.h"
#include "api/call/own_url.h"
#include "api/wire/conversation.h"
#include "api/wire/edit_request.h"
#include "service/jobs/payload.h"

namespace imagined::api {

struct Asked {
  wire::EditCall call;        // without references a generation
  bool of_an_answer = false;  // its references are those of an answer, which may tell each twice
};

/// What the conversation asks for. Its references are what the user has given since the last
/// answer, else the pictures of the turn before, as many of the newest as the model takes; of a
/// model that takes none those are passed over, with a warning. Pictures that were made here are
/// known by their links, however old, and by the names of answers. Refused, field "messages" or
/// "input": `action` edit without a picture, and the question what a picture shows. Blocks.
Result<Asked> settle_conversation(const CallContext& context, const Call& call,
                                  wire::Conversation conversation, const OwnNames& names);

/// What its job is to be: the pictures are taken (taking.h), those of an answer once each. Blocks.
Result<service::JobPayload> take_asked(const CallContext& context, const Call& call,
                                       const Asked& asked, const OwnNames& names);

/// Pictures of a conversation as an edit takes them: those that were made here by what they are,
/// what is base64 put down. Blocks.
Result<std::vector<wire::GivenPicture>> settle_pictures(const CallContext& context,
                                                        const Call& call,
                                                        const std::vector<wire::SaidPicture>& said,
                                                        const OwnNames& names);

}  // namespace imagined::api
