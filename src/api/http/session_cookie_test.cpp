#include "api/http/session_cookie.h"

#include <gtest/gtest.h>

namespace imagined::api {
namespace {

Headers with(std::initializer_list<const char*> cookies) {
  Headers headers;
  for (const char* cookie : cookies) headers.add("Cookie", cookie);
  return headers;
}

TEST(SessionCookie, IsFoundAmongOthers) {
  EXPECT_EQ(session_token(with({"a=b; imagined_session=T0k; c=d"})), "T0k");
  EXPECT_EQ(session_token(with({"a=b", "imagined_session=T0k"})), "T0k");
}

TEST(SessionCookie, IsNoneWhenItIsNotThereOrNotAlone) {
  for (const auto& headers :
       {with({}), with({""}), with({"imagined_sessions=x"}), with({"ximagined_session=x"}),
        with({"imagined_session=a; imagined_session=b"}),
        with({"imagined_session=a", "imagined_session=b"}), with({"imagined_session"})})
    EXPECT_EQ(session_token(headers), "");
}

TEST(SessionCookie, IsOutOfReachOfScriptsAndOtherSites) {
  EXPECT_EQ(session_cookie("T0k", 60, false),
            "imagined_session=T0k; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
  EXPECT_TRUE(session_cookie("T0k", 60, true).ends_with("; Secure"));
  EXPECT_EQ(session_cookie("", 60, false).find("imagined_session=; Path=/; Max-Age=0"), 0u);
}

}  // namespace
}  // namespace imagined::api
