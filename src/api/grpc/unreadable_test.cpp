#include "api/grpc/unreadable.h"

#include <gtest/gtest.h>

#include <string>

#include <xai/api/v1/files.pb.h>
#include <xai/api/v1/image.pb.h>

namespace imagined::api {
namespace {

std::string said(const std::string& bytes) {
  return unreadable(*xai_api::GenerateImageRequest::descriptor(), bytes).value().message;
}

std::string written(const xai_api::GenerateImageRequest& request) {
  return request.SerializeAsString();
}

TEST(Unreadable, NamesTheTextThatIsNoUtf8HoweverDeepItStands) {
  EXPECT_EQ(said(std::string("\x0a\x02\xc3\x28")),
            "prompt is no UTF-8: expected a xai_api.GenerateImageRequest");
  xai_api::GenerateImageRequest request;
  request.set_prompt("a cat");
  request.mutable_storage_options()->set_filename("aXb");
  std::string bytes = written(request);
  bytes[bytes.find('X')] = '\xff';
  EXPECT_EQ(said(bytes),
            "storage_options.filename is no UTF-8: expected a xai_api.GenerateImageRequest");
}

TEST(Unreadable, NamesTheFieldAtWhichTheBytesBreakOff) {
  xai_api::GenerateImageRequest request;
  request.set_prompt("a cat");
  const std::string bytes = written(request);
  EXPECT_EQ(said(bytes.substr(0, bytes.size() - 1)),
            "prompt breaks off: expected a xai_api.GenerateImageRequest");
  EXPECT_EQ(said(std::string("\0", 1)),
            "the message has bytes that are no field: expected a xai_api.GenerateImageRequest");
}

TEST(Unreadable, SaysNoMoreThanItKnows) {
  EXPECT_EQ(said(""), "the message is no xai_api.GenerateImageRequest");
}

TEST(NotListed, NamesFieldValueAndWhatIsAllowed) {
  EXPECT_EQ(not_listed("order", static_cast<xai_api::Ordering>(7)).value().message,
            "order is 7, expected a number of Ordering: ASCENDING = 0, DESCENDING = 1");
}

}  // namespace
}  // namespace imagined::api
