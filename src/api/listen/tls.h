// The certificate of the server, and connections that use it.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "api/call/async.h"
#include "base/result.h"

namespace imagined::api {

struct TlsContext {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
};

/// Where the certificate lies, with all of its chain, and its key; both in PEM. Neither: no TLS.
struct TlsOptions {
  std::string certificate_file;
  std::string key_file;
  bool speaks_http2 = false;  // which clients are told (ALPN)

  bool is_set() const { return !certificate_file.empty() || !key_file.empty(); }
};

/// A certificate that is taken anew when its files have changed. Used by one thread.
class Certificate {
 public:
  /// `invalid_argument` names the setting, the file and what is wrong with it.
  static Result<Certificate> load(TlsOptions options);

  /// For the next connection. Looks every few seconds whether the files have changed; the last pair
  /// that could be used stays until there is another one, with a word in the log.
  std::shared_ptr<TlsContext> current(std::chrono::steady_clock::time_point now);

 private:
  using FileTime = std::filesystem::file_time_type;
  struct Times {
    FileTime certificate;
    FileTime key;
    bool operator==(const Times&) const = default;
  };

  explicit Certificate(TlsOptions options) : options_(std::move(options)) {}
  Result<std::shared_ptr<TlsContext>> read_pair() const;
  Times times() const;

  TlsOptions options_;
  std::shared_ptr<TlsContext> context_;
  Times times_;  // of the files, before they were read
  std::chrono::steady_clock::time_point looked_;
};

/// A socket, and what encrypts what goes through it.
class Transport {
 public:
  /// Null: in the clear.
  Transport(boost::asio::ip::tcp::socket socket, std::shared_ptr<TlsContext> tls);

  bool is_encrypted() const { return stream_.has_value(); }
  boost::asio::ip::tcp::socket& socket() { return socket_; }

  /// Nothing in the clear. A client that speaks plain HTTP here is told so.
  Async<boost::system::error_code> handshake();
  /// Bytes that came; the error is also the end of the stream.
  Async<std::size_t> read_some(boost::asio::mutable_buffer room, boost::system::error_code& error);
  Async<boost::system::error_code> write(const std::array<boost::asio::const_buffer, 2>& parts);
  /// Says that nothing more will be sent.
  Async<void> end_sending();

 private:
  boost::asio::ip::tcp::socket socket_;
  const std::shared_ptr<TlsContext> tls_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> stream_;
};

}  // namespace imagined::api
