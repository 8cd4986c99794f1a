#include "service/cache/cache_key.h"

#include <gtest/gtest.h>

#include <set>

namespace imagined::service {
namespace {

PictureRequest some_request() {
  return {.model = "m", .prompt = *Prompt::parse("a red kite", 8000)};
}

TEST(CacheKey, IsTheSameForEveryEndUser) {
  const Model model{.id = "m"};
  PictureRequest another = some_request();
  another.user = "alice";
  EXPECT_EQ(cache_key(some_request(), model, "p"), cache_key(another, model, "p"));
}

TEST(CacheKey, ChangesWithWhatDecidesThePictures) {
  const Model model{.id = "m", .steps = 4, .weights = "w"};
  std::set<std::string> keys = {cache_key(some_request(), model, "p")};
  const auto is_new = [&](const std::string& key) { return keys.insert(key).second; };
  PictureRequest request = some_request();
  request.seed = 7;
  EXPECT_TRUE(is_new(cache_key(request, model, "p")));
  request = some_request();
  request.count = 2;
  EXPECT_TRUE(is_new(cache_key(request, model, "p")));
  request = some_request();
  request.labelled = true;
  EXPECT_TRUE(is_new(cache_key(request, model, "p")));
  EXPECT_TRUE(is_new(cache_key(EditRequest{some_request(), {"blob"}, {}}, model, "p")));
  EXPECT_TRUE(is_new(cache_key(EditRequest{some_request(), {"other"}, {}}, model, "p")));
  EXPECT_TRUE(is_new(cache_key(some_request(), model, "stricter")));
  EXPECT_TRUE(is_new(cache_key(some_request(), {.id = "m", .steps = 8, .weights = "w"}, "p")));
  EXPECT_TRUE(is_new(cache_key(
      some_request(), {.id = "m", .steps = 4, .weights = "w", .weights_state = "new"}, "p")));
}

}  // namespace
}  // namespace imagined::service
