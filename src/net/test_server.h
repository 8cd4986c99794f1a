// A web server for tests: canned answers on loopback, over TCP or TLS, and a record of what came.
#pragma once

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace imagined::net {

/// A key and a certificate that it signed itself, for one host name.
struct TestCertificate {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), X509_free};

  explicit TestCertificate(const std::string& host, long valid_s = 3600) {
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_s);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    const std::string alternative = "DNS:" + host;
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative.c_str());
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
  }

  void write(const std::filesystem::path& path) const {
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
  }
};

class TestServer {
 public:
  /// What is sent back for a path, whole; then the connection is closed. Nothing: it stays open and
  /// silent.
  using Answer = std::function<std::string(const std::string& path)>;

  explicit TestServer(Answer answer, const TestCertificate* tls = nullptr)
      : answer_(std::move(answer)) {
    if (tls != nullptr) {
      // A client that refuses the certificate has gone, and SSL_write knows no MSG_NOSIGNAL.
      std::signal(SIGPIPE, SIG_IGN);
      tls_.reset(SSL_CTX_new(TLS_server_method()));
      SSL_CTX_use_certificate(tls_.get(), tls->certificate.get());
      SSL_CTX_use_PrivateKey(tls_.get(), tls->key.get());
    }
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 64);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~TestServer() {
    thread_.request_stop();
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (const int open : held_) close(open);
    close(listener_);
  }

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/", const std::string& host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port_) + path;
  }
  /// Heads of all requests so far; of a connection that sent none an empty text.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      if (!talk(connection)) held_.push_back(connection);
    }
  }

  /// False: the connection is to stay open.
  bool talk(int connection) {
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl(tls_ ? SSL_new(tls_.get()) : nullptr, SSL_free);
    if (ssl) SSL_set_fd(ssl.get(), connection);
    std::string head;
    if (!ssl || SSL_accept(ssl.get()) == 1) {
      char buffer[4096];
      while (head.find("\r\n\r\n") == std::string::npos) {
        const auto count = ssl ? SSL_read(ssl.get(), buffer, sizeof buffer)
                               : static_cast<int>(read(connection, buffer, sizeof buffer));
        if (count <= 0) break;
        head.append(buffer, static_cast<std::size_t>(count));
      }
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(head);
    }
    const std::size_t path = head.find(' ') + 1;
    const std::string answer = answer_(head.substr(path, head.find(' ', path) - path));
    if (answer.empty()) return false;
    if (ssl && SSL_is_init_finished(ssl.get()) == 1) {
      SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
      SSL_shutdown(ssl.get());
    } else if (!ssl) {
      send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    close(connection);
    return true;
  }

  const Answer answer_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_{nullptr, SSL_CTX_free};
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<int> held_;
  std::jthread thread_;
};

}  // namespace imagined::net
