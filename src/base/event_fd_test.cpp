#include "base/event_fd.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

namespace imagined {
namespace {

bool is_heard(const EventFd& bell) {
  pollfd waiting{.fd = bell.get(), .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, 0) == 1;
}

TEST(EventFd, IsHeardFromARingUntilItIsSilenced) {
  const EventFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  EXPECT_FALSE(is_heard(bell));
  bell.ring();
  bell.ring();
  EXPECT_TRUE(is_heard(bell));
  EXPECT_TRUE(is_heard(bell)) << "hearing does not silence it";
  bell.silence();
  EXPECT_FALSE(is_heard(bell)) << "both rings at once";
  bell.silence();
  bell.ring();
  EXPECT_TRUE(is_heard(bell));
}

}  // namespace
}  // namespace imagined
