#include "api/call/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <exception>

#include "base/log.h"

namespace imagined::api {
namespace {

void say(const std::exception& caught) noexcept {
  try {
    log(LogLevel::error, "handler_failed", "reason={:?}", caught.what());
  } catch (const std::exception&) {  // there is no memory even for that
  }
}

}  // namespace

void run_loop(boost::asio::io_context& io, const std::function<void()>& begin) {
  // What was thrown may have been all that there was to do.
  const auto guard = boost::asio::make_work_guard(io);
  for (bool has_ended = false; !has_ended;) {
    try {
      begin();
      io.run();
      has_ended = true;
    } catch (const std::exception& caught) {
      say(caught);
    }
  }
}

}  // namespace imagined::api
