#include "api/grpc/frame_guard.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace imagined::api {
namespace {

using namespace std::chrono_literals;

std::string frame(std::uint8_t type, std::uint8_t flags, std::size_t length) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes += static_cast<char>(length >> shift);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  bytes += std::string(4, '\1');             // the stream
  return bytes + std::string(length, '\3');  // which would be a reset if it were read as a head
}

std::string many(int count, const std::string& bytes) {
  std::string all;
  for (int i = 0; i < count; ++i) all += bytes;
  return all;
}

class FrameGuardTest : public testing::Test {
 protected:
  std::string client(const std::string& bytes) {
    const char* reason = guard_->from_client(std::as_bytes(std::span(bytes)), now_);
    return reason == nullptr ? "" : reason;
  }
  std::string server(const std::string& bytes) {
    const char* reason = guard_->from_server(std::as_bytes(std::span(bytes)), now_);
    return reason == nullptr ? "" : reason;
  }

  std::optional<FrameGuard> guard_{std::in_place};
  FrameGuard::TimePoint now_{1h};
};

const std::string kCall = frame(1, 4, 200) + frame(0, 1, 5'000);
const std::string kReset = frame(3, 0, 4);
const std::string kPing = frame(6, 0, 8);

TEST_F(FrameGuardTest, LetsCallsPassWithoutEnd) { EXPECT_EQ(client(many(5'000, kCall)), ""); }

TEST_F(FrameGuardTest, LetsWholeHundredsOfCallsBeGivenUp) {
  EXPECT_EQ(client(many(1'000, kCall + kReset)), "");
  EXPECT_EQ(client(kCall + kReset), "resets");
}

TEST_F(FrameGuardTest, CountsResetsThatTheClientProvokes) {
  EXPECT_EQ(server(many(600, kReset)), "");
  EXPECT_EQ(client(many(400, kReset)), "");
  EXPECT_EQ(server(kReset), "resets");
}

TEST_F(FrameGuardTest, GivesMoreWithTime) {
  EXPECT_EQ(client(many(100, kPing)), "");
  now_ += 1s;
  EXPECT_EQ(client(many(10, kPing)), "");
  EXPECT_EQ(client(kPing), "pings");
}

TEST_F(FrameGuardTest, LetsAClientMeasureItsLineWithEachFrameThatItIsSent) {
  const std::string reply = frame(1, 4, 20) + frame(0, 0, 16'384) + frame(1, 5, 20);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(server(reply), "");
    EXPECT_EQ(client(many(3, kPing)), "");
  }
  EXPECT_EQ(client(many(101, kPing)), "pings");
}

TEST_F(FrameGuardTest, GivesNoMoreThanAtOnceHoweverLongItWaits) {
  now_ += 24h;
  EXPECT_EQ(client(many(100, kPing)), "");
  EXPECT_EQ(client(kPing), "pings");
}

TEST_F(FrameGuardTest, EndsEachKindOfFlood) {
  const std::vector<std::pair<std::string, std::string>> floods = {
      {"settings", frame(4, 0, 6)},        {"settings", frame(4, 1, 0)},
      {"pings", frame(6, 1, 8)},           {"window updates", frame(8, 0, 4)},
      {"empty data", frame(0, 0, 0)},      {"other frames", frame(2, 0, 5)},
      {"other frames", frame(200, 0, 10)},
  };
  for (const auto& [reason, bytes] : floods) {
    guard_.emplace();
    EXPECT_EQ(client(many(30'000, bytes)), reason);
  }
}

TEST_F(FrameGuardTest, EndsAHeaderBlockThatIsTooLongOrInTooManyPieces) {
  EXPECT_EQ(client(frame(1, 0, 130'000) + frame(9, 0, 130'000) + frame(9, 4, 2'000)), "");
  EXPECT_EQ(client(frame(1, 0, 130'000) + many(2, frame(9, 0, 130'000))), "header block");
}

TEST_F(FrameGuardTest, EndsAHeaderBlockOfEmptyPieces) {
  EXPECT_EQ(client(frame(1, 0, 10) + many(31, frame(9, 0, 0))), "");
  EXPECT_EQ(client(frame(9, 0, 0)), "header block");
}

TEST_F(FrameGuardTest, EndsWithTheSameFrameHoweverTheBytesAreCut) {
  const std::string bytes = many(100, kCall + kPing) + kPing + kCall;
  for (const std::size_t piece : {1u, 2u, 7u, 9u, 10u, 1'000u}) {
    FrameGuard guard;
    std::size_t taken = 0;
    const char* reason = nullptr;
    while (reason == nullptr && taken < bytes.size()) {
      const std::string part = bytes.substr(taken, piece);
      reason = guard.from_client(std::as_bytes(std::span(part)), now_);
      taken += part.size();
    }
    const std::size_t head_of_last = 100 * (kCall + kPing).size() + 9;
    ASSERT_NE(reason, nullptr);
    EXPECT_EQ(taken, (head_of_last + piece - 1) / piece * piece) << piece;
  }
}

}  // namespace
}  // namespace imagined::api
