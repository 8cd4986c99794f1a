// What the server answers.
#pragma once

#include <utility>

#include "api/call/byte_budget.h"
#include "api/http/body.h"
#include "api/http/message.h"

namespace imagined::api {

struct Response {
  int status = 200;
  Headers headers;
  Body body;
  ByteBudget::Hold held;  // for the body, as long as the reply lives
  bool close = false;     // end the connection after this reply
};

inline Response json_reply(Body body, int status = 200) {
  Response response{.status = status, .body = std::move(body)};
  response.headers.add("content-type", "application/json");
  return response;
}

}  // namespace imagined::api
