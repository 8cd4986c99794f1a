#include "api/listen/listener.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace imagined::api {
namespace {

using boost::asio::ip::tcp;

class ListenerTest : public testing::Test {
 protected:
  void listen(int connections_max) {
    listener_.emplace(
        io_, ListenRules{.connections_max = connections_max},
        Listener::Handlers{
            .let_in = [this](Listener::Socket,
                             Listener::Place place) { places_.push_back(std::move(place)); },
            .turn_away = [this](Listener::Socket, Error) { ++turned_away_; },
        });
    ASSERT_TRUE(listener_->take_port("127.0.0.1", 0, "http_listen"));
    listener_->accept();
  }
  /// A client comes and is looked at.
  void connect() {
    tcp::socket client(io_);
    client.connect({boost::asio::ip::make_address("127.0.0.1"), listener_->port()});
    const std::size_t before = places_.size() + turned_away_;
    while (places_.size() + turned_away_ == before) io_.run_one();
  }

  std::vector<Listener::Place> places_;
  std::size_t turned_away_ = 0;
  boost::asio::io_context io_{1};
  std::optional<Listener> listener_;
};

TEST_F(ListenerTest, TakesSoManyConnectionsAndAnotherWhenOneHasGone) {
  listen(2);
  for (int i = 0; i < 3; ++i) connect();
  EXPECT_EQ(places_.size(), 2u);
  EXPECT_EQ(turned_away_, 1u);
  places_.pop_back();
  connect();
  EXPECT_EQ(places_.size(), 2u);
}

TEST_F(ListenerTest, GoesBeforeItsPlaces) {
  listen(1);
  connect();
  listener_.reset();
  places_.clear();  // which touches nothing that is gone
}

TEST_F(ListenerTest, NamesTheSettingOfAPortThatIsTaken) {
  listen(1);
  Listener second(io_, {}, {});
  const auto taken = second.take_port("127.0.0.1", listener_->port(), "grpc_listen");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::unavailable);
  EXPECT_NE(taken.error().message.find("grpc_listen takes another"), std::string::npos);
  const auto no_address = second.take_port("localhost", 0, "grpc_listen");
  ASSERT_FALSE(no_address);
  EXPECT_EQ(no_address.error().field, "grpc_listen");
}

}  // namespace
}  // namespace imagined::api
