// An event loop and its net.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

namespace imagined::api {

/// Calls `begin` and runs the loop until it is stopped, also while it has nothing to do. What is
/// thrown, for want of memory, has ended the handler that threw it and no other: `begin` is called
/// again, to look after what must not end, and the loop goes on.
void run_loop(
    boost::asio::io_context& io, const std::function<void()>& begin = [] {});

}  // namespace imagined::api
