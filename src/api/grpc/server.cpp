#include "api/grpc/server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

#include "api/call/last_words.h"
#include "api/call/loop.h"
#include "api/grpc/connection.h"
#include "api/grpc/services.h"
#include "api/listen/log_limit.h"
#include "api/listen/tls.h"
#include "base/log.h"

namespace imagined::api {
namespace {

constexpr int kMessageBytesMax = 20 << 20;         // the SDK's own limit, both ways
constexpr int kMetadataBytesMax = 128 << 10;       // of a call; see call.cpp
constexpr std::size_t kHeldBytesMax = 256u << 20;  // of all calls
constexpr int kCallsPerConnectionMax = 100;
constexpr int kConnectionAgeMs = 30 * 60'000;
constexpr int kConnectionGraceMs = 30 * 60'000;  // more than the SDK's deadline
constexpr int kTurnedAwayMax = 16;               // clients at a time that are told why
constexpr std::chrono::milliseconds kLogInterval{30'000};
constexpr std::chrono::seconds kOverdue{1};   // for replies of calls that were cancelled at the end
constexpr std::chrono::seconds kFarewell{5};  // for clients that have to read their last replies
constexpr std::chrono::milliseconds kLookInterval{1'000};  // for replies that are not taken

}  // namespace

class GrpcServer::Loop {
 public:
  Loop(GrpcOptions options, Services services)
      : options_(std::move(options)),
        services_(services),
        pool_(options_.pool_threads),
        fetch_pool_(options_.fetch_threads),
        context_{{services_, options_.wait, pool_, fetch_pool_},
                 options_.public_url,
                 options_.http_host,
                 options_.http_port,
                 !options_.tls_certificate_file.empty(),
                 options_.moderated_is_kept_back,
                 counts_,
                 peers_,
                 budget_,
                 untaken_,
                 ends_.get_token()} {
    const GrpcLoop loop{io_, context_};
    unserved_ = make_unserved_service(loop);
    faces_.push_back(make_image_service(loop));
    faces_.push_back(make_video_service(loop));
    faces_.push_back(make_chat_service(loop));
    faces_.push_back(make_auth_service(loop));
    faces_.push_back(make_models_service(loop));
    faces_.push_back(make_files_service(loop));
  }

  ~Loop() {
    stop();
    join();
  }

  Result<void> start() {
    gpr_set_log_function([](gpr_log_func_args* line) {
      log(LogLevel::debug, "grpc", "at={}:{} message={:?}", line->file, line->line, line->message);
    });
    google::protobuf::SetLogHandler(
        [](google::protobuf::LogLevel, const char* file, int line, const std::string& message) {
          log(LogLevel::debug, "protobuf", "at={}:{} message={:?}", file, line, message);
        });
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    const TlsOptions tls{.certificate_file = options_.tls_certificate_file,
                         .key_file = options_.tls_key_file,
                         .speaks_http2 = true};
    if (tls.is_set()) certificate_.emplace(TRY(Certificate::load(tls)));
    TRY(listener_.take_port(options_.host, options_.port, "grpc_listen"));
    // The library stays until the process ends: where its last server goes it waits for pollers of
    // its own, up to ten seconds.
    grpc_init();
    grpc::ServerBuilder builder;
    for (const auto& face : faces_) builder.RegisterService(face.get());
    builder.RegisterCallbackGenericService(unserved_.get());
    builder.SetMaxReceiveMessageSize(kMessageBytesMax);
    builder.SetMaxSendMessageSize(kMessageBytesMax);
    builder.SetResourceQuota(grpc::ResourceQuota("imagined").Resize(kHeldBytesMax));
    // A message that is small on the way would be large before its size is looked at.
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kCallsPerConnectionMax);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               static_cast<int>(options_.ping_interval.count()));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionGraceMs);
    server_ = builder.BuildAndStart();
    if (!server_) return fail(ErrorCode::unavailable, "gRPC's library does not start");
    look_for_untaken();
    thread_ = std::thread([this] { run_loop(io_, [this] { listener_.accept(); }); });
    // There from now on: when the server is stopped there may be no memory for a thread.
    closing_ = std::thread([this] {
      stop_wanted_.acquire();
      server_->Shutdown(std::chrono::system_clock::now() + options_.drain_timeout);
    });
    return {};
  }

  std::uint16_t port() const { return listener_.port(); }
  service::Gauges gauges() const { return counts_.gauges(); }

  void stop() {
    if (stopped_.exchange(true)) return;
    boost::asio::post(io_, [this] {
      listener_.close();
      parting_.stopping.cancel();
      last_words_.expires_after(options_.drain_timeout - last_words(options_.drain_timeout));
      last_words_.async_wait([this](const boost::system::error_code&) { ends_.request_stop(); });
      overdue_.expires_after(options_.drain_timeout + kOverdue);
      overdue_.async_wait([this](const boost::system::error_code&) { parting_.now.cancel(); });
      stop_wanted_.release();  // from now on the library must be given no client any more
    });
  }

  void join() {
    if (closing_.joinable()) closing_.join();
    server_.reset();  // no call is in work; each connection ends when its client has all replies
    boost::asio::post(io_, [this] { end_soon(); });
    if (thread_.joinable()) thread_.join();
    pool_.join();
    fetch_pool_.join();
  }

 private:
  void let_in(Listener::Socket socket, Listener::Place place) {
    GrpcConnectionParts parts{.tls = certificate(),
                              .to_grpc = [this](int end) { give_to_library(end); },
                              .peers = peers_,
                              .parting = parting_,
                              .times = options_.times,
                              .on_refusal = [this] { services_.outcomes.refused_by_protocol(); }};
    auto ended = [this, place = std::move(place)](std::exception_ptr caught) {
      counts_.disconnected();
      if (ending_ && !counts_.has_connections()) io_.stop();
      if (caught) std::rethrow_exception(caught);  // to the net of the loop
    };
    boost::asio::co_spawn(io_, pass_to_grpc(std::move(socket), std::move(parts)), std::move(ended));
    counts_.connected();
  }

  void give_to_library(int end) {
    if (listener_.is_closed()) {
      ::close(end);
    } else {
      grpc::AddInsecureChannelFromFd(server_.get(), end);
    }
  }

  void look_for_untaken() {
    untaken_look_.expires_after(std::min(kLookInterval, options_.times.reply / 2));
    untaken_look_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      untaken_.drop_late(std::chrono::steady_clock::now());
      look_for_untaken();
    });
  }

  void end_soon() {
    if (!counts_.has_connections()) return io_.stop();
    ending_ = true;
    farewell_.expires_after(kFarewell);
    farewell_.async_wait([this](const boost::system::error_code&) { io_.stop(); });
  }

  // Nothing that it could be told would reach its developer: a connection that begins, if only to
  // say GOAWAY, is opened again at once by gRPC's clients, and one that is closed after a while.
  void drop(const Listener::Socket& socket, const Error& why) {
    const auto count = drops_.happened(std::chrono::steady_clock::now());
    if (!count) return;
    boost::system::error_code ignored;
    log(LogLevel::warn, "grpc_clients_dropped", "count={} last_client={} reason={:?}", *count,
        plain(socket.remote_endpoint(ignored).address()).to_string(), why.message);
  }

  std::shared_ptr<TlsContext> certificate() {
    return certificate_ ? certificate_->current(std::chrono::steady_clock::now()) : nullptr;
  }

  const GrpcOptions options_;
  const Services services_;
  // What coroutines hold of these is given back when the loop is destroyed.
  Peers peers_;
  CallCounts counts_;
  ByteBudget budget_{kHeldBytesMax};
  UntakenReplies untaken_{options_.times};
  std::stop_source ends_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ =
      boost::asio::make_work_guard(io_);
  Pool pool_;
  Pool fetch_pool_;
  const GrpcContext context_;
  std::vector<std::unique_ptr<grpc::Service>> faces_;
  std::unique_ptr<grpc::CallbackGenericService> unserved_;
  std::unique_ptr<grpc::Server> server_;
  std::optional<Certificate> certificate_;  // none: in the clear
  Listener listener_{
      io_,
      options_.connections,
      {.let_in = [this](Listener::Socket socket,
                        Listener::Place place) { let_in(std::move(socket), std::move(place)); },
       .turn_away = [this](Listener::Socket socket, Error why) { drop(socket, why); }}};
  Parting parting_{io_};
  boost::asio::steady_timer last_words_{io_};
  boost::asio::steady_timer overdue_{io_};
  boost::asio::steady_timer untaken_look_{io_};
  boost::asio::steady_timer farewell_{io_};
  bool ending_ = false;
  LogLimit drops_{kLogInterval};
  std::atomic<bool> stopped_ = false;
  std::binary_semaphore stop_wanted_{0};
  std::thread thread_;   // of the loop
  std::thread closing_;  // waits for the calls in work
};

GrpcServer::GrpcServer(GrpcOptions options, Services services)
    : loop_(std::make_unique<Loop>(std::move(options), services)) {}
GrpcServer::~GrpcServer() = default;

Result<void> GrpcServer::start() { return loop_->start(); }
std::uint16_t GrpcServer::port() const { return loop_->port(); }
service::Gauges GrpcServer::gauges() const { return loop_->gauges(); }
void GrpcServer::stop() { loop_->stop(); }
void GrpcServer::join() { loop_->join(); }

}  // namespace imagined::api
