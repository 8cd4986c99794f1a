#include "api/wire/edit_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/wire/long_strings.h"
#include "base/crypto.h"

namespace imagined::api::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kPng = std::string("\x89PNG\r\n\x1A\n and so on", 18);

std::string base64(std::string_view bytes) {
  return to_base64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

/// Names uploads "u0", "u1" and keeps what they hold.
class Shelf final : public UploadSink {
 public:
  Result<void> begin() override {
    uploads.emplace_back();
    return {};
  }
  Result<void> upload(std::string_view bytes) override {
    largest_bytes = std::max(largest_bytes, bytes.size());
    uploads.back() += bytes;
    return {};
  }
  Result<std::string> end() override { return "u" + std::to_string(uploads.size() - 1); }

  std::vector<std::string> uploads;
  std::size_t largest_bytes = 0;
};

struct Outcome {
  Result<EditCall> call;
  std::vector<std::string> uploads;

  /// "u0" or "<url>" per reference, "mask=" before the mask, or the error.
  std::string pictures() const {
    if (!call) return call.error().message;
    std::string text;
    const auto add = [&](const GivenPicture& one) {
      text += one.upload + (one.url.empty() ? "" : "<" + one.url + ">") +
              (one.file_id.empty() ? "" : "#" + one.file_id) + " ";
    };
    for (const GivenPicture& one : call->references) add(one);
    if (call->mask) text += "mask=", add(*call->mask);
    return text;
  }
};

Outcome read(std::unique_ptr<EditBody> body, Shelf& shelf, std::string_view text,
             std::size_t step) {
  const auto catalogue = *service::Catalogue::make({{.id = "grok-imagine-image", .path = "x"}}, {});
  for (std::size_t at = 0; at < text.size(); at += step) {
    if (auto fed = body->feed(text.substr(at, step)); !fed)
      return {tl::unexpected(fed.error()), shelf.uploads};
  }
  auto call = body->finish(catalogue);
  return {std::move(call), shelf.uploads};
}

Outcome read_json(std::string_view text, std::size_t step = 4096) {
  Shelf shelf;
  return read(make_json_edit(shelf), shelf, text, step);
}

Outcome read_form(std::string_view parts, std::size_t step = 4096) {
  Shelf shelf;
  return read(*make_multipart_edit("multipart/form-data; boundary=b", shelf), shelf,
              std::string(parts) + "--b--\r\n", step);
}

std::string part(std::string_view name, std::string_view bytes, std::string_view more = "") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"" +
         std::string(more) + "\r\n\r\n" + std::string(bytes) + "\r\n";
}

TEST(JsonEdit, ReadsPicturesInEveryFormThatClientsSend) {
  const std::string data = "data:image/png;base64," + base64(kPng);
  const auto pictures = [](const std::string& fields) {
    return read_json("{\"prompt\":\"hat\"," + fields + "}").pictures();
  };
  // @ai-sdk/xai, tanstack, the docs, and what xAI itself refuses.
  EXPECT_EQ(pictures("\"image\":{\"url\":\"" + data + "\",\"type\":\"image_url\"}"), "u0 ");
  EXPECT_EQ(pictures("\"images\":[{\"url\":\"" + data + "\"},{\"url\":\"https://a.example/b\"}]"),
            "u0 <https://a.example/b> ");
  EXPECT_EQ(
      pictures("\"image\":\"" + base64(kPng) + "\",\"mask\":{\"image_url\":\"" + data + "\"}"),
      "u0 mask=u1 ");
  EXPECT_EQ(pictures("\"image\":[\"HTTP://a.example/1\"],\"reference_images\":[\"" + data + "\"]"),
            "<HTTP://a.example/1> u0 ");
  EXPECT_EQ(pictures("\"image\":{\"file_id\":\"file_1\"},\"mask\":{\"file_id\":\"file_2\"}"),
            "#file_1 mask=#file_2 ");
  EXPECT_EQ(pictures("\"image\":{\"image_url\":{\"url\":\"" + data + "\"}},\"images\":null"),
            "u0 ");
}

TEST(JsonEdit, TakesTheBytesOfAPicture) {
  const Outcome outcome =
      read_json("{\"prompt\":\"hat\",\"image\":\"data:;base64," + base64(kPng) + "\"}", 1);
  EXPECT_THAT(outcome.uploads, ElementsAre(kPng));
  ASSERT_TRUE(outcome.call);
  EXPECT_EQ(outcome.call->fields.request.prompt.text(), "hat");
  EXPECT_EQ(outcome.call->fields.response_format, ResponseFormat::url);
}

// A picture of megabytes goes on as it comes, escaped as .NET and PHP do it.
TEST(JsonEdit, HoldsNoLongPicture) {
  std::string bytes;
  for (int i = 0; i < 600'000; ++i) bytes += static_cast<char>(i * 31 >> 3);
  std::string text = base64(bytes);
  for (std::size_t i = 0; (i = text.find('+', i)) != std::string::npos; i += 6)
    text.replace(i, 1, "\\u002B");
  for (std::size_t i = 0; (i = text.find('/', i)) != std::string::npos; i += 2)
    text.replace(i, 1, "\\/");
  const std::string body = "{\"images\":[{\"url\":\"data:image/png;base64," + text +
                           "\"},\"http://a.example\"],\"prompt\":\"a \\\"hat\\\"\"}";
  for (const std::size_t step : {997u, 65'536u, 10'000'000u}) {
    Shelf shelf;
    const Outcome outcome = read(make_json_edit(shelf), shelf, body, step);
    EXPECT_EQ(outcome.pictures(), "u0 <http://a.example> ") << step;
    ASSERT_EQ(shelf.uploads.size(), 1u);
    EXPECT_TRUE(shelf.uploads[0] == bytes) << step;
    ASSERT_TRUE(outcome.call);
    EXPECT_EQ(outcome.call->fields.request.prompt.text(), "a \"hat\"");
  }
}

TEST(JsonEdit, NamesThePictureThatIsWrong) {
  const auto error = [](const std::string& fields) {
    return read_json("{\"prompt\":\"hat\"," + fields + "}").pictures();
  };
  EXPECT_EQ(error("\"n\":1"), "image: expected 1 to 8 pictures, got none");
  EXPECT_EQ(error("\"images\":[]"), "image: expected 1 to 8 pictures, got none");
  EXPECT_EQ(error("\"images\":[\"http://a\",\"a red hat!\"]"),
            "image 2 is neither a URL nor base64");
  EXPECT_EQ(error("\"image\":\"data:image/png,abc\""),
            "image 1 is a data URL that is not in base64");
  EXPECT_EQ(error("\"image\":\"iVBOR\""), "image 1 is base64 that is cut off");
  EXPECT_THAT(error("\"image\":7"), HasSubstr("image 1: expected a URL, base64, or an object"));
  EXPECT_THAT(error("\"image\":\"http://a\",\"mask\":7"), HasSubstr("the mask: expected a URL"));
  EXPECT_THAT(error("\"image\":\"http://a\",\"init_image\":\"http://b\""),
              HasSubstr("init_image: no picture is read under this name"));
  EXPECT_THAT(read_json("{\"image\":\"http://a\"}").pictures(), HasSubstr("prompt: expected"));
  EXPECT_THAT(read_json("{\"image\":\"" + std::string(200'000, '!') + "\"}").pictures(),
              HasSubstr("neither a URL nor base64"));
}

TEST(JsonEdit, CountsPicturesPastTheLimitAndKeepsNoneOfThem) {
  const std::string data = "\"data:image/png;base64," + base64(kPng) + "\"";
  std::string many = data;
  for (int i = 1; i < 12; ++i) many += "," + data;
  const Outcome shorts = read_json("{\"prompt\":\"hat\",\"images\":[" + many + "]}");
  ASSERT_TRUE(shorts.call);
  EXPECT_EQ(shorts.call->references.size(), 12u);
  EXPECT_EQ(shorts.uploads.size(), 8u);
  const std::string large = "\"" + base64(std::string(200'000, 'x')) + "\"";
  many = large;
  for (int i = 1; i < 12; ++i) many += "," + large;
  const Outcome longs = read_json("{\"prompt\":\"hat\",\"images\":[" + many + "]}");
  ASSERT_TRUE(longs.call);
  EXPECT_EQ(longs.call->references.size(), 12u);
  EXPECT_EQ(longs.uploads.size(), 9u) << "one may be a mask";
}

TEST(JsonEdit, LimitsWhatIsLeftBesideThePictures) {
  std::string text = "{";
  for (int i = 0; i < 40; ++i)
    text += "\"f" + std::to_string(i) + "\":\"" + std::string(100'000, 'x') + "\",";
  const Outcome outcome = read_json(text);
  ASSERT_FALSE(outcome.call);
  EXPECT_EQ(outcome.call.error().code, ErrorCode::payload_too_large);
}

TEST(MultipartEdit, ReadsTheFormsThatClientsSend) {
  // openai for Python: texts first, then a list of files.
  const std::string three = part("prompt", "hat") + part("n", "2") + part("seed", "7") +
                            part("image[]", kPng, "; filename=\"a.png\"") +
                            part("image[]", "\xFF\xD8\xFF jpeg", "; filename=\"upload\"") +
                            part("image[]", "x", "");
  const Outcome outcome = read_form(three, 1);
  EXPECT_EQ(outcome.pictures(), "u0 u1 u2 ");
  EXPECT_THAT(outcome.uploads, ElementsAre(kPng, "\xFF\xD8\xFF jpeg", "x"));
  ASSERT_TRUE(outcome.call);
  EXPECT_EQ(outcome.call->fields.request.count, 2);
  EXPECT_EQ(outcome.call->fields.request.seed, 7u);
  EXPECT_EQ(outcome.call->fields.response_format, ResponseFormat::both);
}

TEST(MultipartEdit, ReadsPicturesByTheNamesOfTheirParts) {
  const std::string prompt = part("prompt", "true");
  EXPECT_EQ(read_form(part("image", kPng) + prompt).pictures(), "u0 ");
  EXPECT_EQ(read_form(part("image[0]", kPng) + part("images[]", kPng) + prompt).pictures(),
            "u0 u1 ");
  EXPECT_EQ(read_form(part("image", kPng) + part("mask", kPng) + prompt).pictures(), "u0 mask=u1 ");
  EXPECT_EQ(read_form(part("image[url]", "https://a.example/x") + prompt).pictures(),
            "<https://a.example/x> ");
  EXPECT_EQ(read_form(part("url[]", "https://a.example/x") + part("url", "http://b") + prompt, 1)
                .pictures(),
            "<https://a.example/x> <http://b> ");
  EXPECT_EQ(read_form(part("image[file_id]", "file_1") + part("mask[file_id]", "file_2") +
                      part("images[][file_id]", "") + prompt)
                .pictures(),
            "#file_1 mask=#file_2 ");
  EXPECT_EQ(read_form(part("image", "data:image/png;base64," + base64(kPng)) + prompt).uploads,
            std::vector{kPng});
  EXPECT_EQ(read_form(part("image", base64(kPng)) + prompt, 1).uploads, std::vector{kPng});
}

// go-openai sends n=0 and empty texts for what was not set.
TEST(MultipartEdit, TakesEmptyPartsForNotGiven) {
  const Outcome outcome =
      read_form(part("image", kPng, "; filename=\".\"") + part("prompt", "hat") + part("n", "0") +
                part("size", "") + part("response_format", "") + part("mask", ""));
  EXPECT_EQ(outcome.pictures(), "u0 ");
  ASSERT_TRUE(outcome.call);
  EXPECT_EQ(outcome.call->fields.request.count, 1);
  EXPECT_EQ(outcome.call->fields.response_format, ResponseFormat::both);
}

TEST(MultipartEdit, RefusesAnEmptyFile) {
  const std::string good = part("image", kPng) + part("prompt", "hat");
  EXPECT_EQ(read_form(good + part("mask", "", "; filename=\"m.png\"")).pictures(),
            "the mask is empty");
  EXPECT_EQ(read_form(good + part("image", "", "; filename=\"b.png\"")).pictures(),
            "image 2 is empty");
}

TEST(MultipartEdit, AnswersInTheFormThatIsNamed) {
  const auto form = [](const char* name) {
    return read_form(part("image", kPng) + part("prompt", "hat") + part("response_format", name))
        .call->fields.response_format;
  };
  EXPECT_EQ(form("url"), ResponseFormat::url);
  EXPECT_EQ(form("b64_json"), ResponseFormat::b64_json);
}

TEST(MultipartEdit, CountsPicturesPastTheLimitAndKeepsNoneOfThem) {
  std::string many;
  for (int i = 0; i < 10; ++i) many += part("image[]", kPng);
  many += part("image[file_id]", "file_1") + part("image", "") + part("prompt", "hat");
  const Outcome outcome = read_form(many, 7);
  ASSERT_TRUE(outcome.call);
  EXPECT_EQ(outcome.call->references.size(), 11u);
  EXPECT_EQ(outcome.uploads.size(), 8u);
}

TEST(MultipartEdit, NamesWhatIsWrong) {
  const std::string good = part("image", kPng) + part("prompt", "hat");
  EXPECT_EQ(read_form(part("prompt", "hat")).pictures(),
            "image: expected 1 to 8 pictures, got none");
  EXPECT_EQ(read_form(good + part("prompt", "hat")).pictures(),
            "\"prompt\": the part is given twice");
  EXPECT_EQ(read_form(good + part("mask", kPng) + part("mask", kPng)).pictures(),
            "mask: expected one picture, got more");
  EXPECT_EQ(read_form(good + part("image", "data:image/png;base64,!!!!")).pictures(),
            "image 2 is neither a URL nor base64");
  EXPECT_EQ(read_form(part("image", kPng) + part("prompt", "h\xFFt")).pictures(),
            "\"prompt\": the part is no text in UTF-8");
  EXPECT_THAT(read_form(good + part("size", "\x80")).pictures(), HasSubstr("no text in UTF-8"));
  EXPECT_EQ(read_form(good + part("markup", kPng)).pictures(),
            "markup: not offered by this server; leave it out");
  EXPECT_THAT(read_form(good + part("n", "eleven")).pictures(), HasSubstr("n: expected"));
  EXPECT_THAT(read_form(good + part("stream", "yes")).pictures(), HasSubstr("stream: expected"));
  Shelf shelf;
  EXPECT_FALSE(make_multipart_edit("multipart/form-data", shelf));
}

TEST(Base64Reader, ReadsWhatClientsWrite) {
  const auto read = [](std::string_view text) {
    Base64Reader reader;
    std::string bytes;
    return reader.read(text, bytes) && reader.may_end() ? bytes : "refused";
  };
  EXPECT_EQ(read("Zm9vYg=="), "foob");
  EXPECT_EQ(read("Zm9vYg"), "foob");
  EXPECT_EQ(read("Zm9v\r\nYmE="), "fooba");
  EXPECT_EQ(read("--__"), "\xFB\xEF\xFF");
  EXPECT_EQ(read("++//"), "\xFB\xEF\xFF");
  EXPECT_EQ(read(""), "");
  for (const char* text : {"Z", "Zm9vY", "Zm9vYg=", "Zm9vYg===", "=", "Zg==Zg==", "Zm9v!", "Zm=v"})
    EXPECT_EQ(read(text), "refused") << text;
}

}  // namespace
}  // namespace imagined::api::wire
