#include "worker/wire.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

namespace imagined::worker {
namespace {

using Kind = Message::Kind;

constexpr int kLongEnoughMs = 10'000;  // only a broken test waits so long

struct Ends {
  WirePair fds = *make_wire();
  Wire server{fds.server_fd};
  Wire worker{fds.worker_fd};
};

TEST(WireMessage, ReadsBackWhatItWrites) {
  const Message messages[] = {
      {.kind = Kind::job},
      {.kind = Kind::cancel, .job_id = "j-1"},
      {.kind = Kind::model, .report = {.model = "a", .abilities = {}}},
      {.kind = Kind::model,
       .report = {.model = "b",
                  .abilities = service::Abilities{.references_max = 8,
                                                  .reference_side_px_min = 64,
                                                  .reference_ratio_max = 9,
                                                  .masks = true,
                                                  .guidance = service::GuidanceUse::true_passes,
                                                  .guidance_default = 3.7F,
                                                  .clip_frames_per_second = 24}}},
      {.kind = Kind::ready, .worker_id = "w1"},
      {.kind = Kind::progress, .job_id = "j-1", .picture = 2, .step = 3, .steps = 4},
      {.kind = Kind::preview,
       .job_id = "j-1",
       .picture = 2,
       .number = 1,
       .width = 64,
       .height = 32,
       .blob = "ab12"},
      {.kind = Kind::finished, .job_id = "j-1"},
  };
  for (const Message& message : messages)
    EXPECT_EQ(*parse_message(format_message(message)), message) << format_message(message);
}

TEST(WireMessage, RefusesLinesOfAnotherWire) {
  for (const char* line : {"",
                           " ",
                           "hello",
                           "job now",
                           "cancel",
                           "cancel a b",
                           "progress j 1 2",
                           "progress j 1 2 x",
                           "progress j 1 2 -3",
                           "progress j 1 2 99999999999",
                           "preview j 1 2 64 32",
                           "preview j 1 2 64 x ab",
                           "preview j 1 2 64 32 ab c",
                           "finished",
                           "ready",
                           "ready w a",
                           "model",
                           "unloadable",
                           "model a",
                           "model a 8 1 true",
                           "model a 8 1 much 3.5",
                           "model a 8 1 true 3.5x",
                           "model a 8 1 true 3.5",
                           "model a 8 1 true 3.5 x",
                           "model a 8 1 true 3.5 24 64",
                           "model a 8 1 true 3.5 24 64 x",
                           "unloadable a b"})
    EXPECT_FALSE(parse_message(line)) << line;
}

TEST(Wire, CarriesMessagesInOrder) {
  Ends ends;
  EXPECT_TRUE(ends.server.send({.kind = Kind::job}));
  EXPECT_TRUE(ends.server.send({.kind = Kind::cancel, .job_id = "j"}));
  EXPECT_EQ((**ends.worker.receive(kLongEnoughMs)).kind, Kind::job);
  EXPECT_EQ((**ends.worker.receive(kLongEnoughMs)).job_id, "j");
}

TEST(Wire, GivesNothingWhenNothingCame) {
  Ends ends;
  const auto message = ends.worker.receive(0);
  ASSERT_TRUE(message);
  EXPECT_FALSE(*message);
}

TEST(Wire, SkipsLinesThatItDoesNotKnow) {
  Ends ends;
  const std::string lines = "what is this\njob\n";
  ASSERT_EQ(::write(ends.fds.server_fd, lines.data(), lines.size()),
            static_cast<ssize_t>(lines.size()));
  EXPECT_EQ((**ends.worker.receive(kLongEnoughMs)).kind, Kind::job);
}

TEST(Wire, PutsTogetherALineThatComesInPieces) {
  Ends ends;
  ASSERT_EQ(::write(ends.fds.server_fd, "cancel j", 8), 8);
  EXPECT_FALSE(*ends.worker.receive(0));
  ASSERT_EQ(::write(ends.fds.server_fd, "-7\n", 3), 3);
  EXPECT_EQ((**ends.worker.receive(kLongEnoughMs)).job_id, "j-7");
}

TEST(Wire, SaysWhenTheOtherSideIsGone) {
  auto ends = *make_wire();
  Wire worker(ends.worker_fd);
  { const Wire server(ends.server_fd); }
  EXPECT_EQ(worker.receive(kLongEnoughMs).error().code, ErrorCode::unavailable);
  EXPECT_FALSE(worker.send({.kind = Kind::job}));
}

TEST(Wire, GivesUpOnALineWithoutEnd) {
  Ends ends;
  const std::string noise(8192, 'x');
  ASSERT_EQ(::write(ends.fds.server_fd, noise.data(), noise.size()),
            static_cast<ssize_t>(noise.size()));
  EXPECT_EQ(ends.worker.receive(kLongEnoughMs).error().code, ErrorCode::unavailable);
}

TEST(Wire, NeverBlocksOnAReaderThatDoesNotRead) {
  Ends ends;
  bool dropped = false;
  for (int i = 0; i < 1'000'000 && !dropped; ++i) dropped = !ends.server.send({.kind = Kind::job});
  EXPECT_TRUE(dropped);
}

TEST(WirePair, NeitherEndSurvivesAnExec) {
  const WirePair pair = *make_wire();
  const Wire server(pair.server_fd);
  const Wire worker(pair.worker_fd);
  EXPECT_EQ(::fcntl(pair.server_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(::fcntl(pair.worker_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

/// Remembers what was published.
class RecordingEvents final : public service::JobEvents {
 public:
  void publish(const service::JobEvent& event) override { published.set_value(event); }
  service::Subscription subscribe(std::string_view, Callback) override { return {}; }

  std::promise<service::JobEvent> published;
};

TEST(ServerWire, PublishesWhatTheWorkerReports) {
  const WirePair pair = *make_wire();
  RecordingEvents events;
  const ServerWire server(pair.server_fd, events, {});
  Wire worker(pair.worker_fd);
  worker.send({.kind = Kind::progress, .job_id = "j", .picture = 1, .step = 2, .steps = 4});
  const service::JobEvent event = events.published.get_future().get();
  EXPECT_EQ(event.kind, service::JobEvent::Kind::progress);
  EXPECT_EQ(event.job_id, "j");
  EXPECT_EQ(event.picture, 1);
  EXPECT_EQ(event.step, 2);
  EXPECT_EQ(event.steps, 4);
}

TEST(ServerWire, TellsWhenTheWorkerIsReadyAndWhenItIsGone) {
  const WirePair pair = *make_wire();
  RecordingEvents events;
  std::promise<std::vector<service::ModelReport>> ready;
  std::promise<void> closed;
  const ServerWire server(pair.server_fd, events,
                          {.on_ready = [&](auto models) { ready.set_value(std::move(models)); },
                           .on_closed = [&] { closed.set_value(); }});
  const std::vector<service::ModelReport> all = {
      {.model = "a", .abilities = service::Abilities{.references_max = 3}},
      {.model = "b", .abilities = {}},
      {.model = std::string(256, 'm'), .abilities = service::Abilities{}}};
  {
    Wire worker(pair.worker_fd);
    worker.send(std::vector<Message>{{.kind = Kind::model, .report = all[0]},
                                     {.kind = Kind::model, .report = all[1]}});
    worker.send({.kind = Kind::model, .report = all[2]});
    worker.send({.kind = Kind::ready, .worker_id = "w7"});
    EXPECT_EQ(ready.get_future().get(), all);
  }
  closed.get_future().get();
}

TEST(ServerWire, TellsThatItIsClosedWhenTheOtherSideSpeaksAnotherWire) {
  const WirePair pair = *make_wire();
  RecordingEvents events;
  std::promise<void> closed;
  const ServerWire server(pair.server_fd, events, {.on_closed = [&] { closed.set_value(); }});
  const Wire worker(pair.worker_fd);
  const std::string noise(8192, 'x');
  ASSERT_GT(::write(pair.worker_fd, noise.data(), noise.size()), 4096);
  closed.get_future().get();
}

TEST(ServerWire, RingsForJobsAndCancels) {
  const WirePair pair = *make_wire();
  RecordingEvents events;
  ServerWire server(pair.server_fd, events, {});
  Wire worker(pair.worker_fd);
  server.job_queued();
  server.job_cancelled("j");
  EXPECT_EQ((**worker.receive(kLongEnoughMs)).kind, Kind::job);
  EXPECT_EQ((**worker.receive(kLongEnoughMs)).kind, Kind::cancel);
}

TEST(ServerWire, DoesNotReportACloseOfItsOwn) {
  const WirePair pair = *make_wire();
  RecordingEvents events;
  bool closed = false;
  const Wire worker(pair.worker_fd);
  {
    const ServerWire server(pair.server_fd, events, {.on_closed = [&] { closed = true; }});
  }
  EXPECT_FALSE(closed);
}

}  // namespace
}  // namespace imagined::worker
