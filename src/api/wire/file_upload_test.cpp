#include "api/wire/file_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "api/wire/file_replies.h"

namespace imagined::api::wire {
namespace {

using testing::HasSubstr;

class Shelf final : public UploadSink {
 public:
  Result<void> begin() override { return {}; }
  Result<void> upload(std::string_view bytes) override {
    bytes_ += bytes;
    return {};
  }
  Result<std::string> end() override { return "blob of " + bytes_; }

 private:
  std::string bytes_;
};

std::string part(std::string_view name, std::string_view bytes, std::string_view more = "") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"" +
         std::string(more) + "\r\n\r\n" + std::string(bytes) + "\r\n";
}
const std::string kFile = part("file", "hat", "; filename=\"hat.png\"");

Result<service::NewFile> read(const std::string& parts) {
  Shelf shelf;
  const auto body = TRY(make_file_body("multipart/form-data; boundary=b", shelf));
  for (const char c : parts + "--b--\r\n") TRY(body->feed({&c, 1}));
  return body->finish();
}

TEST(FileBody, ReadsTheFileAndItsLife) {
  const auto file = read(part("purpose", "vision") + kFile + part("expires_after", "7200"));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->name, "hat.png");
  EXPECT_EQ(file->blob, "blob of hat");
  EXPECT_EQ(file->size_bytes, 3);
  EXPECT_EQ(file->life_s, 7200);
  const auto openai = read(part("expires_after[anchor]", "created_at") +
                           part("expires_after[seconds]", "3600") + kFile);
  ASSERT_TRUE(openai) << openai.error().message;
  EXPECT_EQ(openai->life_s, 3600);
  EXPECT_EQ(read(kFile)->life_s, std::nullopt);
}

TEST(FileBody, NamesWhatIsWrong) {
  EXPECT_EQ(read(part("purpose", "x")).error().message, "file: the part is missing");
  EXPECT_EQ(read(part("file", "hat")).error().message, "file: the part has no file name");
  EXPECT_EQ(read(kFile + kFile).error().message, "file: the part is given twice");
  EXPECT_EQ(read(kFile + part("expires_after", "1h")).error().field, "expires_after");
  EXPECT_EQ(read(kFile + part("expires_after[anchor]", "now")).error().field, "expires_after");
}

TEST(FilePage, ReadsWhatClientsSend) {
  const auto page = parse_file_page("limit=2&order=asc&after=file_1&purpose=vision");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->count, 2);
  EXPECT_FALSE(page->newest_first);
  EXPECT_EQ(page->after, "file_1");
  EXPECT_EQ(parse_file_page("")->count, 100);
  EXPECT_EQ(parse_file_page("pagination_token=file_2")->after, "file_2");
  for (const char* wrong : {"limit=x", "limit=2x", "order=up", "sort_by=size", "filter=name"})
    EXPECT_EQ(parse_file_page(wrong).error().code, ErrorCode::invalid_argument) << wrong;
}

TEST(FileReplies, AreThoseOfTheApi) {
  const service::StoredFile file{.id = "file_1",
                                 .name = "a \"hat\".png",
                                 .size_bytes = 7,
                                 .created_ms = 1'999,
                                 .expires_ms = 0};
  EXPECT_EQ(file_body(file, "http://a"),
            R"({"id":"file_1","object":"file","bytes":7,"created_at":1,)"
            R"("filename":"a \"hat\".png","expires_at":null,"purpose":"","status":"processed"})");
  const std::vector files = {file};
  EXPECT_THAT(files_body(files, 1, "http://a"),
              HasSubstr(R"("has_more":true,"pagination_token":"file_1")"));
  EXPECT_THAT(files_body(files, 2, "http://a"), testing::Not(HasSubstr("pagination_token")));
}

}  // namespace
}  // namespace imagined::api::wire
