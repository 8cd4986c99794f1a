#include "api/listen/tls.h"

#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/file.h"
#include "base/log.h"

namespace imagined::api {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kLookInterval{5};
constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr const char* kCertificateField = "tls_certificate_file";
constexpr const char* kKeyField = "tls_key_file";
constexpr std::string_view kSpeakTls =
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 48\r\n"
    "connection: close\r\n\r\nThis port speaks TLS: the URL begins with https\n";

tl::unexpected<Error> wrong(const std::string& file, const char* field, const std::string& why) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}: {}", field, file, why), field);
}

Result<std::string> read(const std::string& file, const char* field) {
  return read_file(file, fmt::format("{}: {}", field, file), kFileBytesMax);
}

int choose_http2(SSL*, const unsigned char** chosen, unsigned char* length,
                 const unsigned char* offered, unsigned offered_length, void*) {
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), length, offered,
                                          offered_length, kHttp2, sizeof(kHttp2));
  // Who speaks something else is told so in its own words, behind the handshake.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Result<Certificate> Certificate::load(TlsOptions options) {
  for (const auto& [file, field, other] :
       {std::tuple{&options.certificate_file, kCertificateField, kKeyField},
        std::tuple{&options.key_file, kKeyField, kCertificateField}})
    if (file->empty())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is set and {} is not; TLS needs both", other, field), field);
  Certificate certificate(std::move(options));
  certificate.times_ = certificate.times();
  certificate.context_ = TRY(certificate.read_pair());
  return certificate;
}

Certificate::Times Certificate::times() const {
  std::error_code ignored;
  return {.certificate = std::filesystem::last_write_time(options_.certificate_file, ignored),
          .key = std::filesystem::last_write_time(options_.key_file, ignored)};
}

Result<std::shared_ptr<TlsContext>> Certificate::read_pair() const {
  const std::string chain = TRY(read(options_.certificate_file, kCertificateField));
  const std::string key = TRY(read(options_.key_file, kKeyField));
  auto tls = std::make_shared<TlsContext>();
  error_code error;
  using Context = asio::ssl::context;
  tls->context.set_options(Context::default_workarounds | Context::no_sslv3 | Context::no_tlsv1 |
                           Context::no_tlsv1_1);
  if (options_.speaks_http2)
    SSL_CTX_set_alpn_select_cb(tls->context.native_handle(), choose_http2, nullptr);
  // Nobody is there to be asked.
  tls->context.set_password_callback(
      [](std::size_t, asio::ssl::context::password_purpose) { return std::string(); }, error);
  tls->context.use_certificate_chain(asio::buffer(chain), error);
  if (error)
    return wrong(options_.certificate_file, kCertificateField,
                 fmt::format("no certificate in PEM form ({})", error.message()));
  tls->context.use_private_key(asio::buffer(key), asio::ssl::context::pem, error);
  // A key of another algorithm is taken by itself: a context may hold one of each.
  const bool fits = error || SSL_CTX_check_private_key(tls->context.native_handle()) == 1;
  if (error || !fits) {
    const bool belongs_to_another =
        !fits ||
        ERR_GET_REASON(static_cast<unsigned long>(error.value())) == X509_R_KEY_VALUES_MISMATCH;
    return wrong(options_.key_file, kKeyField,
                 belongs_to_another
                     ? fmt::format("it is not the key of {}", options_.certificate_file)
                     : fmt::format("no key in PEM form without a password ({})", error.message()));
  }
  return tls;
}

std::shared_ptr<TlsContext> Certificate::current(std::chrono::steady_clock::time_point now) {
  if (now - looked_ < kLookInterval) return context_;
  looked_ = now;
  const Times found = times();
  if (found == times_) return context_;
  times_ = found;
  auto read_anew = read_pair();
  if (read_anew) {
    context_ = std::move(*read_anew);
    log(LogLevel::info, "certificate_loaded", "file={:?}", options_.certificate_file);
  } else {
    log(LogLevel::error, "certificate_not_loaded", "reason={:?} hint=\"the last one stays\"",
        read_anew.error().message);
  }
  return context_;
}

Transport::Transport(asio::ip::tcp::socket socket, std::shared_ptr<TlsContext> tls)
    : socket_(std::move(socket)), tls_(std::move(tls)) {
  if (tls_) stream_.emplace(socket_, tls_->context);
}

Async<error_code> Transport::handshake() {
  error_code error;
  if (!stream_) co_return error;
  co_await stream_->async_handshake(asio::ssl::stream_base::server,
                                    asio::redirect_error(asio::use_awaitable, error));
  if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST) {
    error_code ignored;
    co_await asio::async_write(socket_, asio::buffer(kSpeakTls),
                               asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return error;
}

Async<std::size_t> Transport::read_some(asio::mutable_buffer room, error_code& error) {
  auto token = asio::redirect_error(asio::use_awaitable, error);
  if (stream_) co_return co_await stream_->async_read_some(room, token);
  co_return co_await socket_.async_read_some(room, token);
}

Async<error_code> Transport::write(const std::array<asio::const_buffer, 2>& parts) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  if (stream_) {
    co_await asio::async_write(*stream_, parts, token);
  } else {
    co_await asio::async_write(socket_, parts, token);
  }
  co_return error;
}

Async<void> Transport::end_sending() {
  error_code error;
  if (stream_) co_await stream_->async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
}

}  // namespace imagined::api
