// Conversations with a model of another server that is given our tools for pictures.
#pragma once

#include <string>

#include "api/http/exchange.h"
#include "api/wire/conversation.h"

namespace imagined::api {

/// Who talks, and who makes its pictures.
struct ToolTalkModels {
  std::string talks;     // as it is asked for here
  std::string makes;     // an id of the catalogue
  bool is_seen = false;  // what is made is shown to who talks
};

/// Asks the model in rounds, at most four, makes what its calls want in between, at most eight
/// pictures, by the same jobs, limits and books as /v1/images, and hands on its words and the
/// pictures as they come. Calls of tools that are the client's end it, for the client to answer.
/// What goes wrong with a picture is told to the model. A client that leaves ends it all.
Async<Result<Response>> talk_with_tools(const Context& context, Exchange& exchange,
                                        wire::ChatApi api, ToolTalkModels models);

}  // namespace imagined::api
