// gRPC calls back; handlers are coroutines, as those of HTTP are. Between the two stands a reactor
// per call, which lives until gRPC is done with it.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>
#include <grpcpp/support/server_callback.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "api/call/last_words.h"
#include "api/grpc/call.h"
#include "api/grpc/unreadable.h"
#include "base/check.h"

namespace imagined::api {

/// What reactors run on.
struct GrpcLoop {
  boost::asio::io_context& io;
  const GrpcContext& context;
};

/// What a library has thrown, as HTTP's net says it.
inline Error accident(const std::exception& caught) {
  return {ErrorCode::internal, "something went wrong here", {}, caught.what()};
}

/// A call on its way: authenticated, then handled, then finished. `Reactor` is gRPC's, which gives
/// it `Finish`; `handler` is called once, on the loop.
template <class Reactor>
class CallReactor : public Reactor {
 public:
  using Handler = std::function<Async<Result<void>>(const GrpcContext&, GrpcCall&, CallReactor&)>;

  CallReactor(GrpcLoop loop, grpc::CallbackServerContext& wire, std::string_view method,
              Handler handler)
      : loop_(loop), call_(loop.context, wire, method), handler_(std::move(handler)) {
    call_.client_gone = gone_.get_token();
    call_.server_ends = loop.context.server_ends;
  }

  /// Once, when the reactor is whole.
  void begin() { boost::asio::co_spawn(loop_.io, run(), boost::asio::detached); }

  grpc::CallbackServerContext& wire() { return call_.wire; }

  void OnCancel() override { gone_.request_stop(); }
  void OnDone() override {
    loop_.context.untaken.taken(call_);
    // Budgets are the loop's.
    if (call_.held.bytes() > 0) boost::asio::post(loop_.io, [held = std::move(call_.held)] {});
    delete this;
  }

 private:
  Async<void> run() {
    Result<void> outcome;
    try {
      outcome = co_await authenticate(loop_.context, call_);
      if (outcome) outcome = co_await handler_(loop_.context, call_, *this);
    } catch (const std::exception& caught) {
      outcome = tl::unexpected(accident(caught));
    }
    if (!outcome && outcome.error().code == ErrorCode::cancelled &&
        call_.server_ends.stop_requested())
      outcome = tl::unexpected(stopping_error());
    const grpc::Status status = finish(loop_.context, call_, outcome);
    loop_.context.untaken.add(call_, std::chrono::steady_clock::now());
    this->Finish(status);  // gRPC may delete it now
  }

  const GrpcLoop loop_;
  std::stop_source gone_;
  const std::stop_callback<std::function<void()>> when_server_ends_{
      loop_.context.server_ends, [this] { gone_.request_stop(); }};
  GrpcCall call_;
  const Handler handler_;
};

/// What a client has sent, as the message that its method takes. The library would say nothing of
/// one that cannot be read but UNIMPLEMENTED.
template <class Message>
Result<void> read_message(const grpc::ByteBuffer& bytes, Message& message) {
  if (!bytes.Valid()) return fail(ErrorCode::invalid_argument, "the call has no message");
  grpc::ByteBuffer read(bytes);  // the same bytes, which reading lets go of
  if (grpc::SerializationTraits<Message>::Deserialize(&read, &message).ok()) return {};
  grpc::Slice whole;
  if (!bytes.DumpToSingleSlice(&whole).ok()) whole = grpc::Slice();
  return unreadable(*Message::descriptor(),
                    {reinterpret_cast<const char*>(whole.begin()), whole.size()});
}

template <class Message>
grpc::ByteBuffer write_message(const Message& message) {
  grpc::ByteBuffer bytes;
  bool is_own = true;
  CHECK(grpc::SerializationTraits<Message>::Serialize(message, &bytes, &is_own).ok(), "a message");
  return bytes;
}

template <class Request, class Reply>
using UnaryHandler = Async<Result<void>> (*)(const GrpcContext&, GrpcCall&, const Request&, Reply&);

template <class Request, class Reply>
Async<Result<void>> read_and_write(const GrpcContext& context, GrpcCall& call,
                                   const grpc::ByteBuffer& sent, grpc::ByteBuffer& answered,
                                   UnaryHandler<Request, Reply> handler) {
  Request request;
  Reply reply;
  // One that was given up before its message came.
  if (!sent.Valid() && call.wire.IsCancelled())
    co_return fail(ErrorCode::cancelled, "the client has gone away");
  auto done = read_message(sent, request);
  if (!done) co_return done;
  done = co_await handler(context, call, request, reply);
  if (!done) co_return done;
  answered = write_message(reply);
  call.reply_bytes = answered.Length();
  co_return done;
}

/// One request, one reply.
template <class Request, class Reply>
grpc::ServerUnaryReactor* answer(GrpcLoop loop, grpc::CallbackServerContext& wire,
                                 std::string_view method, const grpc::ByteBuffer& sent,
                                 grpc::ByteBuffer& answered, UnaryHandler<Request, Reply> handler) {
  using Reactor = CallReactor<grpc::ServerUnaryReactor>;
  auto* reactor = new Reactor(
      loop, wire, method,
      [&sent, &answered, handler](const GrpcContext& context, GrpcCall& call, Reactor&) {
        return read_and_write(context, call, sent, answered, handler);
      });
  reactor->begin();
  return reactor;
}

/// One reading or writing that gRPC has been asked for, and the coroutine that waits for it.
class Turn {
 public:
  /// Calls `start`, which makes gRPC call `done` some time later; what `done` was told.
  template <class Start>
  Async<bool> wait(Start start) {
    const auto loop = co_await boost::asio::this_coro::executor;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
        [&](auto handler) {
          using H = decltype(handler);
          auto held = std::make_shared<H>(std::move(handler));
          resume_ = [loop, held, guard = boost::asio::make_work_guard(loop)] {
            boost::asio::post(loop, [held] { (*held)(); });
          };
          start();
        },
        boost::asio::use_awaitable);
    co_return ok_;
  }
  void done(bool ok) {
    ok_ = ok;
    std::exchange(resume_, nullptr)();
  }

 private:
  std::function<void()> resume_;
  bool ok_ = false;
};

/// While it is there: cancels a call whose peer lets it wait too long. On the loop.
class Patience {
 public:
  Patience(const boost::asio::any_io_executor& loop, grpc::CallbackServerContext& wire)
      : timer_(loop, kStreamWait), over_(std::make_shared<bool>(false)) {
    timer_.async_wait([over = over_, &wire](const boost::system::error_code& error) {
      if (!error && !*over) wire.TryCancel();
    });
  }
  ~Patience() { *over_ = true; }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

 private:
  static constexpr std::chrono::seconds kStreamWait{30};  // for one message
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> over_;
};

/// Requests one after the other, then one reply.
template <class Request>
class Reading : public CallReactor<grpc::ServerReadReactor<grpc::ByteBuffer>> {
 public:
  using Base = CallReactor<grpc::ServerReadReactor<grpc::ByteBuffer>>;
  using Base::Base;

  /// Null after the last one, and when the client has gone or is too slow.
  Async<Result<const Request*>> next() {
    const auto loop = co_await boost::asio::this_coro::executor;
    const Patience patience(loop, this->wire());
    const bool ok = co_await turn_.wait([this] { this->StartRead(&bytes_); });
    if (!ok) co_return nullptr;
    request_.Clear();
    auto read = read_message(bytes_, request_);
    bytes_.Clear();
    if (!read) co_return tl::unexpected(std::move(read.error()));
    co_return &request_;
  }
  /// Whether the client has said that it is through: a call that was cut looks the same to `next`,
  /// but nothing can be sent on it.
  Async<bool> is_whole() {
    co_return co_await turn_.wait([this] { this->StartSendInitialMetadata(); });
  }
  void OnReadDone(bool ok) override { turn_.done(ok); }
  void OnSendInitialMetadataDone(bool ok) override { turn_.done(ok); }

 private:
  Turn turn_;
  grpc::ByteBuffer bytes_;
  Request request_;
};

/// One request, then replies one after the other.
template <class Reply>
class Writing : public CallReactor<grpc::ServerWriteReactor<grpc::ByteBuffer>> {
 public:
  using Base = CallReactor<grpc::ServerWriteReactor<grpc::ByteBuffer>>;
  using Base::Base;

  /// False when the client has gone or is too slow.
  Async<bool> send(const Reply& reply) {
    const auto loop = co_await boost::asio::this_coro::executor;
    const Patience patience(loop, this->wire());
    const grpc::ByteBuffer bytes = write_message(reply);
    co_return co_await turn_.wait([this, &bytes] { this->StartWrite(&bytes); });
  }
  void OnWriteDone(bool ok) override { turn_.done(ok); }

 private:
  Turn turn_;
};

}  // namespace imagined::api
