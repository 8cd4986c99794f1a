// The reply of a conversation with a model that makes pictures.
#pragma once

#include <memory>

#include "api/http/exchange.h"
#include "api/wire/conversation_answer.h"
#include "api/wire/image_request.h"
#include "service/pictures/image_service.h"

namespace imagined::api {

/// As `reply_with_pictures`, in the words of `answer`.
Async<Result<Response>> reply_in_conversation(const Context& context, Exchange& exchange,
                                              const service::Order& order,
                                              const wire::GenerationCall& call,
                                              std::unique_ptr<wire::ConversationAnswer> answer);

}  // namespace imagined::api
