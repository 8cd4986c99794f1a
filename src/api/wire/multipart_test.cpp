#include "api/wire/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace imagined::api::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Collector final : public PartSink {
 public:
  Result<void> begin_part(const PartHead& head) override {
    parts.push_back(head.name + "|" + head.file_name + "|");
    return {};
  }
  Result<void> part_bytes(std::string_view bytes) override {
    largest_bytes = std::max(largest_bytes, bytes.size());
    parts.back() += bytes;
    return {};
  }
  Result<void> end_part() override {
    parts.back() += "|";
    return {};
  }

  std::vector<std::string> parts;  // NAME|FILE NAME|BYTES|
  std::size_t largest_bytes = 0;
};

/// The parts of `body`, given `step` bytes at a time.
Result<std::vector<std::string>> read(std::string_view boundary, std::string_view body,
                                      std::size_t step = 1, MultipartLimits limits = {}) {
  Collector collector;
  MultipartReader reader(boundary, collector, limits);
  for (std::size_t at = 0; at < body.size(); at += step) TRY(reader.feed(body.substr(at, step)));
  TRY(reader.finish());
  return collector.parts;
}

std::string message_of(std::string_view body) {
  const auto parts = read("b", body);
  return parts ? "no error" : parts.error().message;
}

// openai (PyPI) 3.51.0 on httpx2: texts first, files last.
constexpr std::string_view kOpenAiPython =
    "--3f8a1c0b9d2e4f5a6b7c8d9e0f1a2b3c\r\n"
    "Content-Disposition: form-data; name=\"prompt\"\r\n\r\n"
    "a red hat\r\n"
    "--3f8a1c0b9d2e4f5a6b7c8d9e0f1a2b3c\r\n"
    "Content-Disposition: form-data; name=\"n\"\r\n\r\n"
    "2\r\n"
    "--3f8a1c0b9d2e4f5a6b7c8d9e0f1a2b3c\r\n"
    "Content-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\n"
    "Content-Type: image/png\r\n\r\n"
    "\x89PNG\r\n\x1A\n\r\n"
    "--3f8a1c0b9d2e4f5a6b7c8d9e0f1a2b3c\r\n"
    "Content-Disposition: form-data; name=\"image[]\"; filename=\"upload\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\n"
    "\xFF\xD8\xFF\r\n"
    "--3f8a1c0b9d2e4f5a6b7c8d9e0f1a2b3c--\r\n";

TEST(MultipartReader, ReadsTheBodyOfOpenAiForPython) {
  for (const std::size_t step : {1u, 7u, 4096u}) {
    const auto parts = read("3f8a1c0b9d2e4f5a6b7c8d9e0f1a2b3c", kOpenAiPython, step);
    ASSERT_TRUE(parts) << parts.error().message;
    EXPECT_THAT(*parts,
                ElementsAre("prompt||a red hat|", "n||2|", "image[]|a.png|\x89PNG\r\n\x1A\n|",
                            "image[]|upload|\xFF\xD8\xFF|"));
  }
}

// openai (npm) 7.55.0 on undici: the file between the texts, and an object's member as a name.
TEST(MultipartReader, ReadsTheBodyOfUndici) {
  const auto parts = read("----formdata-undici-049372859182",
                          "------formdata-undici-049372859182\r\n"
                          "Content-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n"
                          "Content-Type: application/octet-stream\r\n\r\n"
                          "bytes\r\n"
                          "------formdata-undici-049372859182\r\n"
                          "Content-Disposition: form-data; name=\"image[url]\"\r\n\r\n"
                          "https://example.org/a.png\r\n"
                          "------formdata-undici-049372859182--\r\n");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_THAT(*parts, ElementsAre("image|a.png|bytes|", "image[url]||https://example.org/a.png|"));
}

// go-openai 1.43.0: a dot as file name, and empty parts for what was not set.
TEST(MultipartReader, ReadsTheEmptyPartsOfGoOpenAi) {
  const auto parts = read("b0",
                          "--b0\r\n"
                          "Content-Disposition: form-data; name=\"image\"; filename=\".\"\r\n"
                          "Content-Type: application/octet-stream\r\n\r\n"
                          "bytes\r\n"
                          "--b0\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n0\r\n"
                          "--b0\r\nContent-Disposition: form-data; name=\"size\"\r\n\r\n\r\n"
                          "--b0--\r\n");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_THAT(*parts, ElementsAre("image|.|bytes|", "n||0|", "size|||"));
}

// openai-java 4.101.0 on OkHttp: files without a file name, texts with a type, lengths in the
// parts.
TEST(MultipartReader, ReadsTheBodyOfOpenAiForJava) {
  const auto parts = read("b",
                          "--b\r\nContent-Disposition: form-data; name=\"image[]\"\r\n"
                          "Content-Type: application/octet-stream\r\nContent-Length: 5\r\n\r\n"
                          "bytes\r\n"
                          "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n"
                          "Content-Type: text/plain; charset=utf-8\r\n\r\nhat\r\n"
                          "--b--\r\n");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_THAT(*parts, ElementsAre("image[]||bytes|", "prompt||hat|"));
}

// A picture may hold anything but the boundary: line ends, dashes, boundaries that are almost one.
TEST(MultipartReader, KeepsBytesThatLookLikeABoundary) {
  const std::string bytes = "\r\n\r\r\n--\r\n--a\r\n-\r\n--B\r";
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n" + bytes + "\r\n--b--\r\n";
  for (std::size_t step = 1; step <= body.size(); ++step) {
    const auto parts = read("b", body, step);
    ASSERT_TRUE(parts) << parts.error().message;
    EXPECT_THAT(*parts, ElementsAre("image||" + bytes + "|")) << "in steps of " << step;
  }
}

TEST(MultipartReader, HandsBytesOnAsTheyCome) {
  Collector collector;
  MultipartReader reader("b", collector);
  ASSERT_TRUE(reader.feed("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n"));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(reader.feed(std::string(1000, 'x')));
  EXPECT_EQ(collector.largest_bytes, 1000u);
  EXPECT_EQ(collector.parts.front().size(), std::string("image||").size() + 100'000);
}

TEST(MultipartReader, ReadsQuotesInNamesAndPassesOverTheEnd) {
  const auto parts = read("b",
                          "\r\n--b \t\r\n"
                          "CONTENT-DISPOSITION: form-data; filename=C:\\a.png; "
                          "name=\"a\\\"b\\\\c\\d\"\r\n\r\nx\r\n--b--and more\r\n--b\r\n");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_THAT(*parts, ElementsAre("a\"b\\c\\d|C:\\a.png|x|"));
}

TEST(MultipartReader, RefusesWhatTwoReadersCouldReadDifferently) {
  const std::string part = "Content-Disposition: form-data; name=\"a\"\r\n";
  EXPECT_THAT(message_of(""), HasSubstr("it is empty"));
  EXPECT_THAT(message_of("hello\r\n--b\r\n"), HasSubstr("does not begin with the boundary"));
  EXPECT_THAT(message_of("--bb\r\n" + part), HasSubstr("followed by other text"));
  EXPECT_THAT(message_of("--b\n" + part), HasSubstr("followed by other text"));
  EXPECT_THAT(message_of("--b\r\n" + part + "\r\nx\r\n--b\r\n"), HasSubstr("before its last"));
  EXPECT_THAT(message_of("--b\r\n" + part + "\r\nx\r\n--b-"), HasSubstr("before its last"));
  EXPECT_THAT(message_of("--b\r\n\r\nx\r\n--b--"), HasSubstr("ends before its last"));
  EXPECT_THAT(message_of("--b\r\nX: y\r\n\r\nx\r\n--b--"), HasSubstr("no Content-Disposition"));
  EXPECT_THAT(message_of("--b\r\n" + part + part + "\r\nx\r\n--b--"), HasSubstr("two Content"));
  EXPECT_THAT(message_of("--b\r\n" + part + " folded\r\n\r\nx\r\n--b--"), HasSubstr("broken line"));
  EXPECT_THAT(message_of("--b\r\n" + part + "Content-Transfer-Encoding: base64\r\n\r\nx\r\n--b--"),
              HasSubstr("encoded as base64, expected plain bytes"));
  EXPECT_THAT(message_of("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--"),
              HasSubstr("a part has no name"));
  EXPECT_THAT(message_of("--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--"),
              HasSubstr("is not form-data"));
  EXPECT_THAT(message_of("--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nx\r\n--b--"),
              HasSubstr("two names"));
  EXPECT_THAT(message_of("--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--"),
              HasSubstr("does not end"));
  EXPECT_THAT(message_of("--b\r\nContent-Disposition: form-data; name=\"\xC0\xAF\"\r\n\r\nx"),
              HasSubstr("not text"));
}

TEST(MultipartReader, HoldsItsLimits) {
  const std::string part = "Content-Disposition: form-data; name=\"abc\"\r\n";
  const std::string two = "--b\r\n" + part + "\r\nx\r\n--b\r\n" + part + "\r\ny\r\n--b--";
  const auto code = [&](MultipartLimits limits, const std::string& body) {
    const auto parts = read("b", body, 3, limits);
    return parts ? ErrorCode::unknown : parts.error().code;
  };
  EXPECT_EQ(code({.parts_max = 2}, two), ErrorCode::unknown);
  EXPECT_EQ(code({.parts_max = 1}, two), ErrorCode::payload_too_large);
  EXPECT_EQ(code({.body_bytes_max = two.size()}, two), ErrorCode::unknown);
  EXPECT_EQ(code({.body_bytes_max = two.size() - 1}, two), ErrorCode::payload_too_large);
  EXPECT_EQ(code({.name_bytes_max = 3}, two), ErrorCode::unknown);
  EXPECT_EQ(code({.name_bytes_max = 2}, two), ErrorCode::invalid_argument);
  EXPECT_EQ(code({.head_bytes_max = part.size() - 2}, two), ErrorCode::unknown);
  EXPECT_EQ(code({.head_bytes_max = part.size() - 3}, two), ErrorCode::invalid_argument);
  // A head that never ends is refused while it comes.
  EXPECT_EQ(code({}, "--b\r\nX: " + std::string(5000, 'x')), ErrorCode::invalid_argument);
  EXPECT_EQ(code({}, "--b" + std::string(100, ' ')), ErrorCode::invalid_argument);
}

class FullDisk final : public PartSink {
 public:
  Result<void> begin_part(const PartHead&) override { return {}; }
  Result<void> part_bytes(std::string_view) override {
    return fail(ErrorCode::storage_full, "no room");
  }
  Result<void> end_part() override { return {}; }
};

TEST(MultipartReader, EndsWithTheErrorOfItsSink) {
  FullDisk sink;
  MultipartReader reader("b", sink);
  const auto fed =
      reader.feed("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nbytes\r\n--b--");
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, ErrorCode::storage_full);
}

TEST(MultipartBoundary, IsReadFromTheContentType) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a b:c\"").value(),
            "a b:c");
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=" + std::string(70, 'x')).value(),
            std::string(70, 'x'));
}

TEST(MultipartBoundary, IsRefusedWhereItMayNotBe) {
  const auto code = [](std::string_view type) { return multipart_boundary(type).error().code; };
  EXPECT_EQ(code("application/json"), ErrorCode::unsupported_media_type);
  EXPECT_EQ(code("multipart/mixed; boundary=a"), ErrorCode::unsupported_media_type);
  EXPECT_EQ(code("multipart/form-data"), ErrorCode::invalid_argument);
  EXPECT_EQ(code("multipart/form-data; boundary="), ErrorCode::invalid_argument);
  EXPECT_EQ(code("multipart/form-data; boundary=a; boundary=b"), ErrorCode::invalid_argument);
  EXPECT_EQ(code("multipart/form-data; boundary=\"a"), ErrorCode::invalid_argument);
  EXPECT_EQ(code("multipart/form-data; boundary=\"a \""), ErrorCode::invalid_argument);
  EXPECT_EQ(code("multipart/form-data; boundary=" + std::string(71, 'x')),
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace imagined::api::wire
