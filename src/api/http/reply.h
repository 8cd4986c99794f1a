// What the server answers.
#pragma once

#include "api/http/body.h"
#include "api/http/byte_budget.h"
#include "api/http/message.h"

namespace imagined::api {

struct Response {
  int status = 200;
  Headers headers;
  Body body;
  ByteBudget::Hold held;  // for the body, as long as the reply lives
  bool close = false;     // end the connection after this reply
};

}  // namespace imagined::api
