// Conversations with a model of another server that is given our tools for pictures.
#pragma once

#include <string>

#include "api/call/upstream_call.h"
#include "api/http/exchange.h"
#include "api/wire/conversation.h"

namespace imagined::api {

/// Who talks, and who makes its pictures.
struct ToolTalkModels {
  std::string talks;     // as it is asked for here
  std::string makes;     // an id of the catalogue; empty: nobody, it only talks
  bool is_seen = false;  // what is made is shown to who talks
};

/// Asks the model in rounds, at most four, makes what its calls want in between, at most eight
/// pictures, by the same jobs, limits and books as /v1/images, and hands on its words and the
/// pictures as they come. Calls of tools that are the client's end it, for the client to answer.
/// What goes wrong with a picture is told to the model. A client that leaves ends it all. Where
/// nobody has /responses, it is asked over /chat/completions.
Async<Result<Response>> talk_with_tools(const Context& context, Exchange& exchange,
                                        wire::ChatApi api, ToolTalkModels models);

/// Answers a request to /v1/responses with what the model says to it over /chat/completions, told
/// as a response. `lacking`: why it is not asked at /responses, which is the error where
/// completions have no words for what is asked.
Async<Result<Response>> respond_over_chat(const Context& context, Exchange& exchange,
                                          UpstreamAsk asked, Error lacking);

}  // namespace imagined::api
