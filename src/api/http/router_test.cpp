#include "api/http/router.h"

#include <gtest/gtest.h>

namespace imagined::api {
namespace {

Async<Result<Response>> nothing(const Context&, Exchange&) { co_return Response{}; }

std::string pattern_of(std::string_view method, std::string_view path) {
  const RouteMatch match = match_route(all_routes(), method, path);
  return match.route == nullptr ? "" : std::string(match.route->pattern);
}

TEST(Router, FindsEachRouteByItsPattern) {
  EXPECT_EQ(pattern_of("POST", "/v1/images/generations"), "/v1/images/generations");
  EXPECT_EQ(pattern_of("GET", "/v1/models"), "/v1/models");
  EXPECT_EQ(pattern_of("GET", "/v1/models/a"), "/v1/models/{id}");
}

TEST(Router, DecodesTheParameter) {
  EXPECT_EQ(match_route(all_routes(), "GET", "/v1/models/custom%2Falias").params["id"],
            "custom/alias");
}

TEST(Router, TakesSeveralParametersAndTheRestOfAPath) {
  constexpr Route kRoutes[] = {{"GET", "/teams/{team}/keys/{key}", nothing},
                               {"GET", "/console/{path*}", nothing}};
  const RouteMatch key = match_route(kRoutes, "GET", "/teams/a%20b/keys/7");
  ASSERT_NE(key.route, nullptr);
  EXPECT_EQ(key.params["team"], "a b");
  EXPECT_EQ(key.params["key"], "7");
  const RouteMatch page = match_route(kRoutes, "GET", "/console/assets/main.js");
  ASSERT_NE(page.route, nullptr);
  EXPECT_EQ(page.params["path"], "assets/main.js");
  for (const char* path :
       {"/teams/a/keys", "/teams/a/keys/", "/teams//keys/7", "/teams/a/keys/7/8", "/console",
        "/console/", "/console/../x", "/console/a//b", "/console/a%2F..%2Fb", "/console/a/"}) {
    EXPECT_EQ(match_route(kRoutes, "GET", path).route, nullptr) << path;
  }
}

TEST(Router, AnswersHeadWhereItAnswersGet) {
  EXPECT_EQ(pattern_of("HEAD", "/v1/models"), "/v1/models");
}

TEST(Router, SaysWhichMethodsAPathTakes) {
  const RouteMatch match = match_route(all_routes(), "DELETE", "/v1/models");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET, HEAD");
}

TEST(Router, TakesAFixedPathForNoParameter) {
  const RouteMatch match = match_route(all_routes(), "GET", "/v1/images/generations");
  EXPECT_EQ(match.route, nullptr) << "it is no {request_id}";
  EXPECT_EQ(match.allow, "POST");
}

TEST(Router, NeverReachesARouteByADetour) {
  for (const char* path :
       {"/v1//images/generations", "/v1/images/../images/generations", "/v1/images/generations/",
        "/V1/images/generations", "/v1/models/a/b", "/v1/models/", "/v1/models/..",
        "/v1/models/%00", "/v1/models/%zz", "", "v1/models", "//v1/models"}) {
    const RouteMatch match = match_route(all_routes(), "GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allow, "") << path;
  }
  for (const char* path : {"/v1/images/%67enerations", "/v1/images/generations;x=1"})
    EXPECT_EQ(match_route(all_routes(), "POST", path).route, nullptr) << path;
}

}  // namespace
}  // namespace imagined::api
