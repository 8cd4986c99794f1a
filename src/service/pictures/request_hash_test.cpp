#include "service/pictures/request_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace imagined::service {
namespace {

PictureRequest some_request() { return {.model = "fast", .prompt = Prompt::trusted("a red kite")}; }

TEST(RequestHash, IsTheSameForTheSameRequest) {
  EXPECT_EQ(request_hash(some_request()), request_hash(some_request()));
}

TEST(RequestHash, DiffersWithEveryField) {
  std::vector<PictureRequest> requests(13, some_request());
  requests[1].model = "quality";
  requests[2].prompt = Prompt::trusted("a red kite ");
  requests[3].count = 2;
  requests[4].aspect_ratio = AspectRatio::r16_9;
  requests[5].resolution = Resolution::k2;
  requests[6].seed = 0;
  requests[7].format = image::Format::png;
  requests[8].user = "u";
  requests[9].steps = 4;
  requests[10].guidance = 4;
  requests[11].negative_prompt = Prompt::trusted("blue");
  requests[12].user = "u\n7:steps=4";
  std::set<std::string> hashes;
  for (const PictureRequest& request : requests) hashes.insert(request_hash(request));
  EXPECT_EQ(hashes.size(), requests.size());
}

TEST(RequestHash, IsForEverThatOfARequestOfBefore) {
  // Idempotency keys hold it: never change it for a request without newer fields.
  EXPECT_EQ(request_hash(some_request()),
            "74e82eaa18271fb00b5193df0c6751a4eca7b7d0cb14a5d17ae5bb858e25bb61");
}

TEST(RequestHash, DiffersWithEveryFieldOfAVideo) {
  const VideoRequest some{.frames = some_request()};
  std::vector<VideoRequest> requests(7, some);
  requests[1].frames.seed = 3;
  requests[2].task = VideoTask::extension;
  requests[3].seconds = 9;
  requests[4].resolution = VideoResolution::p720;
  requests[5].image = "aaa";
  requests[6].video = "aaa";
  std::set<std::string> hashes = {request_hash(some_request())};
  for (const VideoRequest& request : requests) hashes.insert(request_hash(request));
  EXPECT_EQ(hashes.size(), requests.size() + 1);
}

TEST(RequestHash, NoFieldCanPlayTheNext) {
  PictureRequest one = some_request();
  one.model = "a\n1:b";
  one.prompt = Prompt::trusted("c");
  PictureRequest other = some_request();
  other.model = "a";
  other.prompt = Prompt::trusted("b\n1:c");
  EXPECT_NE(request_hash(one), request_hash(other));
}

}  // namespace
}  // namespace imagined::service
