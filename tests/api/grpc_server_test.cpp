// The gRPC server on in-memory stores, told frames of HTTP/2 that no library of clients would send
// (RFC 9113).
#include "api/grpc/server.h"

#include <gtest/gtest.h>

#include <optional>

#include "api/some_services.h"
#include "api/wire_client.h"
#include "base/check.h"

namespace imagined::api {
namespace {

enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8
};
constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kAck = 1;
constexpr std::uint8_t kEndHeaders = 4;

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload = {};
};

std::string number(std::uint32_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    text += static_cast<char>(value >> shift);
  return text;
}

std::string written(const Frame& frame) {
  return number(static_cast<std::uint32_t>(frame.payload.size()), 3) + number(frame.type, 1) +
         number(frame.flags, 1) + number(frame.stream, 4) + frame.payload;
}

// A header as HPACK writes it without its tables.
std::string header(const std::string& name, const std::string& value) {
  std::string text(1, '\0');
  for (const std::string& word : {name, value}) text += static_cast<char>(word.size()) + word;
  return text;
}

class GrpcServerTest : public SomeServices {
 protected:
  GrpcServerTest() { options_.port = 0; }
  ~GrpcServerTest() override {
    client_.reset();  // who is not waited for
    if (!server_) return;
    server_->stop();
    server_->join();
  }

  void start() {
    server_.emplace(options_, services());
    CHECK(server_->start().has_value(), "no port to be had");
  }

  // A connection on which each call may be sent so many bytes.
  void open(std::uint32_t window = 65'535) {
    client_.emplace(server_->port());
    client_->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                  written({kSettings, 0, 0, number(4, 2) + number(window, 4)}));
  }

  std::string call(std::uint8_t flags = kEndHeaders) const {
    return written({kHeaders, flags, 1,
                    header(":method", "POST") + header(":scheme", "http") +
                        header(":path", "/xai_api.Models/ListImageGenerationModels") +
                        header(":authority", "a") + header("content-type", "application/grpc") +
                        header("te", "trailers") + header("authorization", "Bearer " + key_)});
  }

  // Of an empty request: whole, or without its last byte.
  static std::string message(bool is_whole) {
    return written(
        {kData, is_whole ? kEndStream : std::uint8_t{0}, 1, std::string(is_whole ? 5 : 4, '\0')});
  }

  // The next frame; none at the end of the connection.
  std::optional<Frame> next() {
    const std::string head = client_->bytes(9);
    if (head.size() < 9) return std::nullopt;
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(head[i]); };
    const std::size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
    return Frame{.type = byte(3),
                 .flags = byte(4),
                 .stream = std::uint32_t{byte(7)} << 8 | byte(8),
                 .payload = client_->bytes(length)};
  }

  // The next frame of such a type.
  std::optional<Frame> next(std::uint8_t type) {
    auto frame = next();
    while (frame && frame->type != type) frame = next();
    return frame;
  }

  // What a ping is answered with.
  std::optional<Frame> ping(char number) {
    client_->send(written({kPing, 0, 0, std::string(8, number)}));
    auto answer = next();
    while (answer && (answer->type == kSettings || answer->type == kWindowUpdate)) answer = next();
    return answer;
  }

  GrpcOptions options_;
  std::optional<GrpcServer> server_;
  std::optional<WireClient> client_;
};

TEST_F(GrpcServerTest, AnswersACall) {
  start();
  open();
  client_->send(call() + message(true));
  const auto data = next(kData);
  ASSERT_TRUE(data);
  EXPECT_NE(data->payload.find("fast"), std::string::npos);
}

TEST_F(GrpcServerTest, DropsAReplyThatItsClientOpensNoWindowFor) {
  options_.times.reply = milliseconds(100);
  start();
  open(0);
  client_->send(call() + message(true));
  const auto reset = next(kReset);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->stream, 1);
}

TEST_F(GrpcServerTest, EndsAConnectionOnWhichHalfAMessageComes) {
  options_.times.request = milliseconds(100);
  start();
  open();
  client_->send(call() + message(false));
  EXPECT_FALSE(next(kHeaders));
  EXPECT_FALSE(client_->is_open());
}

TEST_F(GrpcServerTest, AnswersAClientThatSaysItSendsNoMore) {
  start();
  open();
  client_->send(call() + message(true));
  client_->close_sending();
  EXPECT_TRUE(next(kData));
  const auto end = next(kHeaders);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->flags & kEndStream, kEndStream);
  EXPECT_FALSE(next(kHeaders));
  EXPECT_FALSE(client_->is_open());
}

TEST_F(GrpcServerTest, AnswersPingsWithoutCallsAtTheIntervalThatItAllows) {
  options_.ping_interval = milliseconds(0);
  start();
  open();
  for (char i = 1; i <= 20; ++i) {
    const auto answer = ping(i);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->type, kPing);
    EXPECT_EQ(answer->flags, kAck);
    EXPECT_EQ(answer->payload, std::string(8, i));
  }
}

TEST_F(GrpcServerTest, PartsWithAClientThatPingsMoreOften) {
  start();
  open();
  auto answer = ping(0);
  for (char i = 1; i <= 20 && answer && answer->type == kPing; ++i) answer = ping(i);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, kGoAway);
  EXPECT_NE(answer->payload.find("too_many_pings"), std::string::npos);
}

TEST(GrpcOptions, AllowThePingsOfXaisSdk) {
  constexpr std::chrono::seconds kOfTheSdk{30};
  EXPECT_LE(GrpcOptions{}.ping_interval, kOfTheSdk);
}

}  // namespace
}  // namespace imagined::api
