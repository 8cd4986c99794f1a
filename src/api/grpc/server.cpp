#include "api/grpc/server.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

#include "api/call/loop.h"
#include "api/grpc/services.h"
#include "base/log.h"

namespace imagined::api {
namespace {

constexpr int kMessageBytesMax = 20 << 20;         // the SDK's own limit, both ways
constexpr int kMetadataBytesMax = 16 << 10;        // of a call
constexpr std::size_t kHeldBytesMax = 256u << 20;  // of all calls
constexpr int kCallsPerConnectionMax = 100;
constexpr int kPingIntervalMs = 10'000;  // the SDK pings every 30 s, also without calls
constexpr unsigned kCertificateLookS = 60;
constexpr int kHandshakeMs = 10'000;
constexpr int kConnectionAgeMs = 30 * 60'000;
constexpr int kConnectionGraceMs = 30 * 60'000;  // more than the SDK's deadline

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
                 options_.http_port,
                 !options_.tls_certificate_file.empty(),
                 options_.moderated_is_kept_back,
                 counts_,
                 budget_},
        unserved_(make_unserved_service()) {
    const GrpcLoop loop{io_, context_};
    faces_.push_back(make_image_service(loop));
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
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(authority_of_endpoint(options_.host, options_.port), credentials(),
                             &port);
    for (const auto& face : faces_) builder.RegisterService(face.get());
    builder.RegisterCallbackGenericService(unserved_.get());
    builder.SetMaxReceiveMessageSize(kMessageBytesMax);
    builder.SetMaxSendMessageSize(kMessageBytesMax);
    builder.SetResourceQuota(grpc::ResourceQuota("imagined").Resize(kHeldBytesMax));
    // A message that is small on the way would be large before its size is looked at.
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two servers on one port: an error
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kCallsPerConnectionMax);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               kPingIntervalMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionGraceMs);
    server_ = builder.BuildAndStart();
    if (!server_ || port == 0)
      return fail(ErrorCode::unavailable,
                  fmt::format("cannot listen on {}; is the port taken? --grpc-listen 127.0.0.1:0 "
                              "takes a free one, --grpc-listen off none",
                              authority_of_endpoint(options_.host, options_.port)),
                  "grpc_listen");
    port_ = static_cast<std::uint16_t>(port);
    thread_ = std::thread([this] { run_loop(io_); });
    // There from now on: when the server is stopped there may be no memory for a thread.
    closing_ = std::thread([this] {
      stop_wanted_.acquire();
      server_->Shutdown(std::chrono::system_clock::now() + options_.drain_timeout);
    });
    return {};
  }

  std::uint16_t port() const { return port_; }
  service::Gauges gauges() const { return counts_.gauges(); }

  void stop() {
    if (!stopped_.exchange(true)) stop_wanted_.release();
  }

  void join() {
    if (closing_.joinable()) closing_.join();
    guard_.reset();
    if (thread_.joinable()) thread_.join();
    pool_.join();
    fetch_pool_.join();
    server_.reset();
  }

 private:
  // The files are looked at again and again, so that a renewed certificate needs no restart.
  std::shared_ptr<grpc::ServerCredentials> credentials() const {
    if (options_.tls_certificate_file.empty()) return grpc::InsecureServerCredentials();
    const auto files = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
        options_.tls_key_file, options_.tls_certificate_file, kCertificateLookS);
    grpc::experimental::TlsServerCredentialsOptions wanted(files);
    wanted.watch_identity_key_cert_pairs();
    return grpc::experimental::TlsServerCredentials(wanted);
  }

  const GrpcOptions options_;
  const Services services_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ =
      boost::asio::make_work_guard(io_);
  Pool pool_;
  Pool fetch_pool_;
  CallCounts counts_;
  ByteBudget budget_{kHeldBytesMax};
  const GrpcContext context_;
  std::vector<std::unique_ptr<grpc::Service>> faces_;
  std::unique_ptr<grpc::CallbackGenericService> unserved_;
  std::unique_ptr<grpc::Server> server_;
  std::uint16_t port_ = 0;
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
