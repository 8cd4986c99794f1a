#include "worker/supervisor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include "base/thread_shortage_testing.h"

namespace imagined::worker {
namespace {

// The supervised program is this one: started as a worker, it does what its configuration says
// before any test begins, and ends.
std::vector<std::string> own_command_line() {
  std::ifstream stream("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(stream, word, '\0');) words.push_back(word);
  return words;
}

std::string value_of(const std::vector<std::string>& words, const std::string& name) {
  for (const std::string& word : words)
    if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
  return {};
}

[[noreturn]] void act_as_worker(const std::vector<std::string>& words) {
  const std::string number = value_of(words, "--wire-fd");
  int fd = -1;
  std::from_chars(number.data(), number.data() + number.size(), fd);
  std::ifstream file(value_of(words, "--config"));
  const std::string behaviour{std::istreambuf_iterator<char>(file), {}};
  if (behaviour == "refuse") _exit(78);
  if (behaviour == "deaf") std::signal(SIGTERM, SIG_IGN);
  Wire bell(fd);
  bell.send(
      {.kind = Message::Kind::model, .report = {.model = "a", .abilities = service::Abilities{}}});
  bell.send({.kind = Message::Kind::model,
             .report = {.model = "b", .abilities = service::Abilities{.references_max = 3}}});
  bell.send({.kind = Message::Kind::model, .report = {.model = "broken", .abilities = {}}});
  bell.send({.kind = Message::Kind::ready, .worker_id = value_of(words, "--id")});
  // Which signals reach us: those of our own group alone?
  bell.send({.kind = Message::Kind::progress, .job_id = "group", .step = getpgrp() == getpid()});
  if (behaviour == "hang up") bell.interrupt();
  while (behaviour != "work") pause();
  while (true) {
    const auto message = bell.receive(-1);
    if (!message) _exit(1);
    if (*message && (*message)->kind == Message::Kind::job) _exit(7);
  }
}

const bool kActed = [] {
  const auto words = own_command_line();
  if (words.size() > 1 && words[1] == "worker") act_as_worker(words);
  return false;
}();

/// Processes that this one has started and that have not been waited for.
int children() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stat(entry.path() / "stat");  // "PID (NAME) STATE PARENT ..."
    const std::string text{std::istreambuf_iterator<char>(stat), {}};
    if (const auto end = text.rfind(") "); end != std::string::npos)
      count += std::atoi(text.c_str() + end + 4) == getpid();
  }
  return count;
}

/// Remembers the first step of progress that was published.
class FirstEvent final : public service::JobEvents {
 public:
  void publish(const service::JobEvent& event) override {
    if (!told_.exchange(true)) step.set_value(event.step);
  }
  service::Subscription subscribe(std::string_view, Callback) override { return {}; }

  std::promise<int> step;

 private:
  std::atomic<bool> told_ = false;
};

/// What a supervisor told; every promise is kept once.
class SupervisorTest : public testing::Test {
 protected:
  void start(const std::string& behaviour, std::chrono::milliseconds patience) {
    supervisor_ = std::make_unique<Supervisor>(
        SupervisorOptions{.executable = "/proc/self/exe",
                          .config = behaviour,
                          .hang_up_grace = std::chrono::milliseconds(0),
                          .stop_patience = patience},
        events_);
    supervisor_->start({.on_ready =
                            [this] {
                              if (const int nth = readies_++; nth < 2) ready_[nth].set_value();
                            },
                        .on_ended = [this](const std::string& id) -> Result<int> {
                          if (!has_ended_.exchange(true)) ended_.set_value(id);
                          return 1;
                        },
                        .on_give_up =
                            [this](int status) {
                              if (!gave_up_.exchange(true)) give_up_.set_value(status);
                            }});
  }

  static constexpr std::chrono::milliseconds kPatient{60'000};  // only a broken test waits so long

  FirstEvent events_;
  std::promise<void> ready_[2];
  std::promise<std::string> ended_;
  std::promise<int> give_up_;
  std::atomic<int> readies_ = 0;
  std::atomic<bool> has_ended_ = false;
  std::atomic<bool> gave_up_ = false;
  std::unique_ptr<Supervisor> supervisor_;
};

TEST_F(SupervisorTest, IsReadyWithTheModelsThatItsWorkerHas) {
  start("work", kPatient);
  ready_[0].get_future().get();
  EXPECT_TRUE(supervisor_->is_ready());
  EXPECT_TRUE(supervisor_->accepts("b"));
  EXPECT_EQ(supervisor_->report("b")->abilities->references_max, 3);
  EXPECT_FALSE(supervisor_->accepts("broken"));
  EXPECT_FALSE(supervisor_->report("broken")->abilities);
  EXPECT_FALSE(supervisor_->accepts("c"));
  EXPECT_FALSE(supervisor_->report("c"));
  supervisor_->stop();
  EXPECT_FALSE(supervisor_->is_ready());
  EXPECT_FALSE(has_ended_);  // it was stopped, and nothing is to be rescued
}

TEST_F(SupervisorTest, LeavesItsWorkerTheSignalsOfATerminal) {
  start("work", kPatient);
  EXPECT_EQ(events_.step.get_future().get(), 1);
}

TEST_F(SupervisorTest, GivesUpWhenTheFirstWorkerSaysThatItCannotWork) {
  start("refuse", kPatient);
  EXPECT_EQ(give_up_.get_future().get(), 78);
  EXPECT_FALSE(supervisor_->accepts("a"));
}

TEST_F(SupervisorTest, GivesTheJobsOfADeadWorkerBackAndStartsAnother) {
  start("work", kPatient);
  ready_[0].get_future().get();
  supervisor_->job_queued();  // at which it dies
  EXPECT_TRUE(ended_.get_future().get().starts_with("serve-"));
  EXPECT_TRUE(supervisor_->accepts("a"));  // soon again
  ready_[1].get_future().get();
  EXPECT_FALSE(gave_up_);
}

TEST_F(SupervisorTest, NoticesADeadWorkerThoughChildrenAreIgnored) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  start("work", kPatient);
  ready_[0].get_future().get();
  supervisor_->job_queued();
  ended_.get_future().get();
  ready_[1].get_future().get();
  supervisor_->stop();
  std::signal(SIGCHLD, before);
}

TEST_F(SupervisorTest, EndsAWorkerThatItHasNoThreadToHearAndStartsAnother) {
  const ThreadShortage shortage(1, 2);  // after the supervisor's own
  start("deaf", std::chrono::milliseconds(0));
  ready_[0].get_future().get();
  EXPECT_EQ(children(), 1);
  EXPECT_FALSE(has_ended_);  // nobody has given work to those before
  EXPECT_FALSE(gave_up_);
}

TEST_F(SupervisorTest, EndsAWorkerThatHasHungUp) {
  start("hang up", kPatient);
  ended_.get_future().get();
}

TEST_F(SupervisorTest, KillsAWorkerThatIsDeafToAPoliteEnd) {
  start("deaf", std::chrono::milliseconds(0));
  ready_[0].get_future().get();
  supervisor_->stop();
  EXPECT_FALSE(supervisor_->is_ready());
}

TEST(Child, SaysWhyItDoesNotStart) {
  const auto child = Child::start({.executable = "/no/such/program"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().message, "cannot start program: No such file or directory");
}

TEST(Child, TellsStatusAndSignalApart) {
  auto exits = Child::start({.executable = "/bin/sh", .arguments = {"-c", "exit 3"}});
  EXPECT_EQ(exits->ended_within(std::chrono::milliseconds(60'000))->text(), "exit=3");
  EXPECT_EQ(exits->ended()->text(), "exit=3");
  auto waits = Child::start({.executable = "/bin/sh", .arguments = {"-c", "exec sleep 600"}});
  EXPECT_FALSE(waits->ended());
  EXPECT_EQ(waits->end(std::chrono::milliseconds(60'000)).text(), "signal=15");
}

// A connection that a customer has opened meanwhile would stay open in the child's hands.
TEST(Child, GetsNoDescriptorsButThoseThatAreHandedOver) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);  // inherited, unless somebody prevents it
  ASSERT_EQ(::write(pipe[1], "hello\n", 6), 6);
  for (int fd = 0; fd < 10; ++fd) ASSERT_GE(::dup(pipe[1]), 0);
  auto child = Child::start(
      {.executable = "/bin/sh",
       .arguments = {"-c",
                     "read -r line <&3 && test \"$line\" = hello || exit 1; fd=4; "
                     "while test $fd -lt 64; do "
                     "if test -e /proc/self/fd/$fd; then exit 2; fi; fd=$((fd + 1)); done"},
       .files = {pipe[0]}});
  ASSERT_TRUE(child) << child.error().message;
  const auto end = child->ended_within(std::chrono::seconds(20));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->text(), "exit=0");
}

}  // namespace
}  // namespace imagined::worker
