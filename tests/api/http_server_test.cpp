// The HTTP server on in-memory stores, with a thread of the test in the place of the worker.
#include "api/http/server.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <list>
#include <thread>

#include "api/some_services.h"
#include "api/wire_client.h"
#include "base/check.h"

namespace imagined::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class HttpServerTest : public SomeServices {
 protected:
  HttpServerTest() { options_.port = 0; }
  ~HttpServerTest() override { stop(); }

  void start() {
    listen();
    run();
  }

  void listen() {
    server_.emplace(options_, services());
    watcher_.start();
    CHECK(server_->listen().has_value(), "no port to be had");
  }

  void run() {
    thread_ = std::jthread([this] { server_->run(); });
  }

  void stop() {
    if (server_) server_->stop();
    if (thread_.joinable()) thread_.join();
  }

  std::uint16_t port() const { return server_->port(); }

  std::string post(std::string_view body, std::string_view fields = "") const {
    return post_as("/v1/images/generations HTTP/1.1\r\nHost: pictures.example\r\n", body, fields);
  }

  // With a target, a version and a Host field of the test's own.
  std::string post_as(std::string_view beginning, std::string_view body,
                      std::string_view fields = "") const {
    return fmt::format(
        "POST {}Authorization: Bearer {}\r\nContent-Type: application/json\r\n{}Content-Length: "
        "{}\r\n\r\n{}",
        beginning, key_, fields, body.size(), body);
  }

  std::string get(std::string_view target) const {
    return fmt::format(
        "GET {} HTTP/1.1\r\nHost: pictures.example\r\nAuthorization: Bearer {}\r\n\r\n", target,
        key_);
  }

  // The reply to a request whose picture is made at once.
  std::string answer(const std::string& request) {
    WireClient client(port());
    client.send(request);
    complete(claim());
    return client.reply();
  }

  ServerOptions options_;
  std::optional<HttpServer> server_;
  std::jthread thread_;
};

std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return std::distance(begin(entries), end(entries));
}

int count_of(std::string_view text, std::string_view part) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++count;
  return count;
}

constexpr std::string_view kGetHealth = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(HttpServerTest, AnswersWhenTheWorkerHasFinished) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat","n":2})"));
  complete(claim());
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(reply, HasSubstr("http://pictures.example/v1/files/img/0000000000000000000001.jpg"));
  EXPECT_THAT(reply, HasSubstr("\"cost_in_usd_ticks\":400000000"));
}

TEST_F(HttpServerTest, AnswersWhatModerationRefusesInTheWordsOfBothApis) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"an owl"})"));
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 400"));
  EXPECT_THAT(reply, HasSubstr("{\"code\":\"imagine:content-moderated\",\"error\":"));
  EXPECT_THAT(reply, HasSubstr("\"code\":\"content_policy_violation\""));
  EXPECT_THAT(reply, HasSubstr("\"param\":\"prompt\""));
  EXPECT_THAT(reply, HasSubstr("\"usage\":{\"cost_in_usd_ticks\":0}"));
}

TEST_F(HttpServerTest, AnswersWhatModerationRefusesWithNoPicturesWhereThatIsWanted) {
  options_.answers.moderated = ModeratedAnswer::empty;
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"an owl"})"));
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(reply, HasSubstr("\"data\":[],\"usage\":{\"cost_in_usd_ticks\":0,"));
  client.send(post(R"({"prompt":""})"));
  EXPECT_EQ(client.status(), 400);
}

TEST_F(HttpServerTest, SaysThatGoodPicturesRespectModeration) {
  start();
  EXPECT_THAT(answer(post(R"({"prompt":"a cat"})")), HasSubstr("\"respect_moderation\":true}"));
}

TEST_F(HttpServerTest, SaysHowManyTokensWereReadAndWhatWasNotDone) {
  start();
  const std::string reply = answer(post(R"({"prompt":"a cat","style":"vivid"})"));
  EXPECT_THAT(reply, HasSubstr("\"input_tokens\":512,"));
  EXPECT_THAT(reply, HasSubstr("\"text_tokens\":512"));
  EXPECT_THAT(reply, HasSubstr("\"total_tokens\":512"));
  EXPECT_THAT(reply, HasSubstr("\"warnings\":[\"\\\"style\\\": not known here and ignored\",\"100 "
                               "% of \\\"\u8d64\\\"\"]"));
  EXPECT_THAT(reply, HasSubstr("x-imagined-warning: 100 %25 of \"%E8%B5%A4\"\r\n"));
}

TEST_F(HttpServerTest, SaysInTheHeadAsManyWarningsAsClientsRead) {
  start();
  std::string fields;
  for (int i = 10; i < 50; ++i) fields += fmt::format(R"(,"field{}":1)", i);
  const std::string reply = answer(post(R"({"prompt":"a cat")" + fields + "}"));
  const std::string head = reply.substr(0, reply.find("\r\n\r\n"));
  EXPECT_THAT(head, HasSubstr("x-imagined-warning: \"field29\": not known here and ignored\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("field30")));
  EXPECT_THAT(head, HasSubstr("x-imagined-warning: and 21 more"));
  EXPECT_THAT(reply, HasSubstr(R"(\"field49\": not known here and ignored)"));
}

TEST_F(HttpServerTest, MakesAPictureOnceHoweverOftenItIsAskedForUnderOneKey) {
  start();
  const std::string request = post(R"({"prompt":"a cat"})", "Idempotency-Key: k1\r\n");
  std::optional<WireClient> lost(port());
  lost->send(request);
  const ClaimedJob job = claim();
  lost.reset();
  WireClient again(port());
  again.send(request);
  complete(job);
  EXPECT_EQ(again.status(), 200);
  again.send(request);
  EXPECT_EQ(again.status(), 200);
  again.send(post(R"({"prompt":"a dog"})", "Idempotency-Key: k1\r\n"));
  EXPECT_EQ(again.status(), 422);
}

TEST_F(HttpServerTest, TakesOneIdempotencyKey) {
  start();
  WireClient client(port());
  for (const char* fields : {"Idempotency-Key:\r\n", "Idempotency-Key: a b\r\n",
                             "Idempotency-Key: a\r\nIdempotency-Key: a\r\n"}) {
    client.send(post(R"({"prompt":"a cat"})", fields));
    EXPECT_THAT(client.reply(), HasSubstr("\"param\":\"idempotency_key\"")) << fields;
  }
}

// As openai for Python sends it, in pieces that cut everything in two.
TEST_F(HttpServerTest, KeepsThePicturesOfAFormAndAnswersInBothForms) {
  start();
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na hat\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\n\r\n"
      "first picture\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"image[]\"\r\n\r\n"
      "https://a.example/one.png\r\n--b--\r\n";
  const std::string request = fmt::format(
      "POST /v1/images/edits HTTP/1.1\r\nHost: pictures.example\r\nAuthorization: Bearer {}\r\n"
      "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n{}",
      key_, body.size(), body);
  WireClient client(port());
  for (std::size_t at = 0; at < request.size(); at += 97) client.send(request.substr(at, 97));
  const ClaimedJob job = claim();
  const auto& edit = std::get<service::EditRequest>(job.payload);
  EXPECT_EQ(edit.pictures.prompt.text(), "a hat");
  ASSERT_EQ(edit.references.size(), 2u);
  const auto text_of = [&](const std::string& blob) {
    const auto bytes = *blobs_.get(blob);
    return std::string(bytes.begin(), bytes.end());
  };
  EXPECT_EQ(text_of(edit.references[0]), "first picture");
  EXPECT_EQ(text_of(edit.references[1]), "from the web");
  complete(job);
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(reply, HasSubstr("/v1/files/img/"));
  EXPECT_THAT(reply, HasSubstr(R"("b64_json":"cDA=")"));
}

TEST_F(HttpServerTest, KeepsThePicturesOfAJsonEditAndAnswersWithLinks) {
  start();
  WireClient client(port());
  client.send(post_as("/v1/images/edits HTTP/1.1\r\nHost: a\r\n",
                      R"({"prompt":"a hat","image":{"url":"data:image/png;base64,Zmlyc3Q=",)"
                      R"("type":"image_url"},"mask":"Zmlyc3Q="})"));
  const ClaimedJob job = claim();
  const auto& edit = std::get<service::EditRequest>(job.payload);
  ASSERT_EQ(edit.references.size(), 1u);
  EXPECT_EQ(edit.mask, edit.references[0]);  // the same bytes, the same blob
  EXPECT_EQ(blobs_.get(edit.mask)->size(), 5u);
  complete(job);
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("/v1/files/img/"));
  EXPECT_THAT(reply, Not(HasSubstr("b64_json")));
}

TEST_F(HttpServerTest, NamesThePictureThatCannotBeHad) {
  start();
  const auto refused = [&](std::string_view pictures) {
    WireClient client(port());
    client.send(post_as("/v1/images/edits HTTP/1.1\r\nHost: a\r\n",
                        fmt::format(R"({{"prompt":"a hat","images":[{}]}})", pictures)));
    return client.reply();
  };
  EXPECT_THAT(refused(R"("https://a.example/one.png","http://a.example/none")"),
              HasSubstr("image 2: the URL could not be fetched"));
  EXPECT_THAT(refused(R"("no picture!")"), HasSubstr("image 1 is neither a URL nor base64"));
  EXPECT_THAT(refused(""), HasSubstr("image: expected 1 to 8 pictures, got none"));
  EXPECT_THAT(refused(""), HasSubstr("x-ratelimit-remaining-requests"));  // a flood of them is one
}

// Never by a request to itself.
TEST_F(HttpServerTest, TakesALinkOfItsOwnFromTheStoreForTheTeamWhosePictureItIs) {
  start();
  const std::string made = answer(post(R"({"prompt":"a cat"})"));
  const std::string url = made.substr(made.find("http://pictures.example/"));
  const std::string link = url.substr(0, url.find('"'));
  const std::string target = link.substr(std::string("http://pictures.example").size());
  WireClient client(port());
  const auto edit = [&](const std::string& picture) {
    client.send(post_as("/v1/images/edits HTTP/1.1\r\nHost: pictures.example\r\n",
                        fmt::format(R"({{"prompt":"a hat","image":"{}"}})", picture)));
  };
  for (const std::string& spelling : {link, fmt::format("http://127.0.0.1:{}{}", port(), target)}) {
    edit(spelling);
    const ClaimedJob job = claim();
    const auto& references = std::get<service::EditRequest>(job.payload).references;
    ASSERT_EQ(references.size(), 1u);
    EXPECT_EQ(*blobs_.get(references[0]), (std::vector<std::uint8_t>{'p', '0'}));
    EXPECT_TRUE(jobs_.cancel(job.job.id));
    events_.publish({.job_id = job.job.id});
    client.reply();
  }
  edit(link + "x");
  EXPECT_THAT(client.reply(), HasSubstr("image 1: the URL is one of this server's own, and the "
                                        "signature of this link is not valid"));
  edit(fmt::format("http://localhost:{}/healthz", port()));
  EXPECT_THAT(client.reply(), HasSubstr("image 1: the URL is one of this server's own"));
  key_ = keys_.create({.name = "test"}, {.name = "theirs"}, {.team_id = "theirs"})->secret;
  edit(link);
  const std::string refused = client.reply();
  EXPECT_THAT(refused, HasSubstr("HTTP/1.1 400"));
  EXPECT_THAT(refused, HasSubstr("image 1: the URL leads to no picture of yours"));
}

TEST_F(HttpServerTest, SendsTheBytesThemselvesAsBase64) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat","response_format":"b64_json"})"));
  complete(claim());
  EXPECT_THAT(client.reply(), HasSubstr(R"("b64_json":"cDA=")"));
}

TEST_F(HttpServerTest, ShowsPreviewsAndThenThePicturesToWhoWantsToSeeThemCome) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat","n":2,"stream":true,"partial_images":1})"));
  const ClaimedJob job = claim();
  EXPECT_EQ(service::wanted_pictures(job.payload).previews, 1);
  std::string begun = client.until("\r\n\r\n");  // what was told of before is nobody's
  const std::string blob = *blobs_.put(std::vector<std::uint8_t>{'d', 'r', 'a', 'f', 't', '!'});
  events_.publish({.kind = service::JobEvent::Kind::preview,
                   .job_id = job.job.id,
                   .picture = 1,
                   .number = 0,
                   .width = 64,
                   .height = 32,
                   .blob = blob});
  begun += client.until("\n\n");
  EXPECT_THAT(begun, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(begun, HasSubstr("content-type: text/event-stream"));
  EXPECT_THAT(begun, HasSubstr("\"type\":\"image_generation.partial_image\""));
  EXPECT_THAT(begun, HasSubstr("\"partial_image_index\":0"));
  EXPECT_THAT(begun, HasSubstr("\"image_index\":1"));
  EXPECT_THAT(begun, HasSubstr("\"size\":\"64x32\""));
  EXPECT_THAT(begun, HasSubstr("\"b64_json\":\"ZHJhZnQh\""));
  complete(job);
  const std::string rest = client.until("0\r\n\r\n");
  EXPECT_EQ(count_of(rest, "\"type\":\"image_generation.completed\""), 2);
  EXPECT_THAT(rest, HasSubstr("\"b64_json\":\"cDE=\""));
  EXPECT_EQ(count_of(rest, "\"cost_in_usd_ticks\":400000000"), 1) << "the price stands once";
}

TEST_F(HttpServerTest, TellsAStreamWhatWentWrong) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat","stream":true})"));
  fail_job(claim(), {ErrorCode::storage_full, "no room for the picture"});
  const std::string events = client.until("0\r\n\r\n");
  EXPECT_THAT(events, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(events, HasSubstr(R"(data: {"type":"error","error":{"message":"no room)"));
  EXPECT_THAT(events, testing::Not(HasSubstr("completed")));
}

TEST_F(HttpServerTest, NamesADeferredJobAtOnceAndHasItsPicturesLater) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat","deferred":true})"));
  const ClaimedJob job = claim();
  const std::string named = client.reply();
  EXPECT_THAT(named, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(named, HasSubstr(fmt::format(R"({{"request_id":"{}"}})", job.job.id)));
  EXPECT_EQ(job.job.deliver_by_ms, 0) << "nobody waits for it";
  client.send(get("/v1/images/" + job.job.id));
  const std::string waiting = client.reply();
  EXPECT_THAT(waiting, HasSubstr("HTTP/1.1 202"));
  EXPECT_THAT(waiting, HasSubstr(R"("status":"pending")"));
  complete(job);
  client.send(get("/v1/images/" + job.job.id));
  const std::string done = client.reply();
  EXPECT_THAT(done, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(done, HasSubstr(R"("status":"done")"));
  EXPECT_THAT(done, HasSubstr("http://pictures.example/v1/files/img/0000000000000000000000.jpg"));
}

TEST_F(HttpServerTest, SaysThatADeferredJobHasFailedWithoutAFaultOfHttp) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat","deferred":true})"));
  const ClaimedJob job = claim();
  EXPECT_THAT(client.reply(), HasSubstr("request_id"));
  fail_job(job, {ErrorCode::internal, "the engine stopped"});
  client.send(get("/v1/images/" + job.job.id));
  const std::string failed = client.reply();
  EXPECT_THAT(failed, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(failed, HasSubstr(R"("status":"failed")"));
  EXPECT_THAT(failed, HasSubstr(R"({"code":"internal_error","message":"the engine stopped"})"));
  client.send(get("/v1/images/00000000-0000-7000-8000-000000000000"));
  EXPECT_EQ(client.status(), 404);
}

TEST_F(HttpServerTest, DefersWhereTheClientPrefersItAndItCanBeDone) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})", "Prefer: wait=10, respond-async\r\n"));
  const ClaimedJob job = claim();
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 202"));
  EXPECT_THAT(reply, HasSubstr("preference-applied: respond-async"));
  EXPECT_THAT(reply, HasSubstr("location: http://pictures.example/v1/images/" + job.job.id));
  complete(job);
  client.send(
      post(R"({"prompt":"a cat","response_format":"b64_json"})", "Prefer: respond-async\r\n"));
  complete(claim());
  EXPECT_EQ(client.status(), 200);
}

TEST_F(HttpServerTest, RefusesAStreamWithAPlainReply) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat","n":11,"stream":true})"));
  EXPECT_EQ(client.status(), 400);
}

TEST_F(HttpServerTest, CancelsTheJobOfAStreamWhoseClientGoesAway) {
  start();
  std::optional<WireClient> client(port());
  client->send(post(R"({"prompt":"a cat","stream":true})"));
  const ClaimedJob job = claim();
  client->until("\r\n\r\n");
  client.reset();
  bell_.wait_for_cancel();
  EXPECT_EQ(state_of(job), JobState::cancelled);
}

TEST_F(HttpServerTest, CancelsTheJobOfAStreamThatIsLeftWithPreviewsUnsent) {
  start();
  std::optional<WireClient> client(port());
  client->send(post(R"({"prompt":"a cat","stream":true,"partial_images":3})"));
  const ClaimedJob job = claim();
  client->until("\r\n\r\n");
  client.reset();
  const std::string blob = *blobs_.put(std::vector<std::uint8_t>{'d', 'r', 'a', 'f', 't', '!'});
  for (int i = 0; i < 9; ++i)
    events_.publish({.kind = service::JobEvent::Kind::preview,
                     .job_id = job.job.id,
                     .number = i,
                     .width = 64,
                     .height = 32,
                     .blob = blob});
  bell_.wait_for_cancel();
  EXPECT_EQ(state_of(job), JobState::cancelled);
}

TEST_F(HttpServerTest, PassesTheWorkersErrorOn) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  fail_job(claim(), {ErrorCode::storage_full, "no room for the picture"});
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 507"));
  EXPECT_THAT(reply, HasSubstr("no room for the picture"));
}

TEST_F(HttpServerTest, NoticesAJobWhoseEventWasLost) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  complete(claim(), /*tell=*/false);
  EXPECT_EQ(client.status(), 200);
}

TEST_F(HttpServerTest, CancelsTheJobOfAClientThatGoesAway) {
  start();
  std::optional<WireClient> client(port());
  client->send(post(R"({"prompt":"a cat"})"));
  const ClaimedJob job = claim();
  client.reset();
  bell_.wait_for_cancel();
  EXPECT_EQ(state_of(job), JobState::cancelled);
}

TEST_F(HttpServerTest, CancelsTheJobOfAClientThatGoesAwayAfterAPipelinedRequest) {
  start();
  std::optional<WireClient> client(port());
  client->send(post(R"({"prompt":"a cat"})") + std::string(kGetHealth));
  const ClaimedJob job = claim();
  client.reset();
  bell_.wait_for_cancel();
  EXPECT_EQ(state_of(job), JobState::cancelled);
}

TEST_F(HttpServerTest, CancelsAJobThatTakesTooLong) {
  options_.answers.wait.total = milliseconds(20);
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  const ClaimedJob job = claim();
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 504"));
  EXPECT_THAT(reply, HasSubstr("x-should-retry: false"));
  EXPECT_EQ(state_of(job), JobState::cancelled);
}

TEST_F(HttpServerTest, WaitsAsLongAsTheWorkGetsOn) {
  options_.answers.wait.idle = milliseconds(20);
  start();
  const ClaimedJob before = another_running_job();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  EXPECT_FALSE(client.readable(milliseconds(100))) << "a job before it is being made";
  const ClaimedJob own = claim();
  EXPECT_TRUE(jobs_.complete(before.lease(), {}));
  EXPECT_FALSE(client.readable(milliseconds(100))) << "it is being made";
  complete(own);
  EXPECT_EQ(client.status(), 200);
}

TEST_F(HttpServerTest, GivesUpWhenNobodyIsAtWork) {
  options_.answers.wait.idle = milliseconds(20);
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 504"));
  EXPECT_THAT(reply, HasSubstr("no worker has been at work"));
  bell_.wait_for_cancel();
}

TEST_F(HttpServerTest, DoesNotWaitForWorkersThatCannotMakeTheJob) {
  options_.answers.wait.idle = milliseconds(20);
  start();
  const ClaimedJob before = another_running_job();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  bell_.wait_for_job();
  workers_.ready = false;
  EXPECT_EQ(client.status(), 504);
}

TEST_F(HttpServerTest, RefusesWhatTheQueueCannotTake) {
  start();
  WireClient first(port());
  first.send(post(R"({"prompt":"a cat"})"));
  bell_.wait_for_job();
  WireClient second(port());
  second.send(post(R"({"prompt":"a cat"})"));
  bell_.wait_for_job();
  WireClient third(port());
  third.send(post(R"({"prompt":"a cat"})"));
  const std::string reply = third.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 429"));
  EXPECT_THAT(reply, HasSubstr("retry-after: "));
  EXPECT_THAT(reply, Not(HasSubstr("x-should-retry: ")));
}

TEST_F(HttpServerTest, RefusesWorkThatNobodyWouldDo) {
  workers_.ready = false;
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  EXPECT_EQ(client.status(), 503);
  client.send("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.status(), 503);
  client.send(kGetHealth);
  EXPECT_EQ(client.status(), 200);
}

TEST_F(HttpServerTest, ClosesAnIdleConnection) {
  options_.limits.idle_timeout = milliseconds(20);
  start();
  WireClient client(port());
  EXPECT_EQ(client.status(), 0);
}

TEST_F(HttpServerTest, GivesUpOnASlowHead) {
  options_.limits.head_timeout = milliseconds(20);
  start();
  WireClient client(port());
  client.send("GET /healthz HTTP/1.1\r\n");
  EXPECT_EQ(client.status(), 408);
  EXPECT_EQ(client.status(), 0);
}

TEST_F(HttpServerTest, GivesUpOnASlowBody) {
  options_.limits.body_timeout = milliseconds(20);
  start();
  WireClient client(port());
  const std::string whole = post(R"({"prompt":"a cat"})");
  client.send(whole.substr(0, whole.size() - 3));
  EXPECT_EQ(client.status(), 408);
  EXPECT_EQ(client.status(), 0);
}

TEST_F(HttpServerTest, TakesNoMoreConnectionsThanItsLimit) {
  options_.limits.connections_max = 1;
  start();
  WireClient first(port());
  first.send(kGetHealth);
  EXPECT_EQ(first.status(), 200);
  WireClient second(port());
  const std::string reply = second.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 503"));
  EXPECT_THAT(reply, HasSubstr("all 1 connections of this server are in use"));
  EXPECT_THAT(reply, HasSubstr("retry-after: "));
  EXPECT_EQ(second.status(), 0);
}

TEST_F(HttpServerTest, TurnsNobodyAwayWithAWordWhenTooManyAreBeingTold) {
  options_.limits.connections_max = 0;
  options_.limits.turned_away_max = 0;
  start();
  WireClient client(port());
  EXPECT_EQ(client.status(), 0);
}

// A client that stays after it was told holds its place no longer than the next one can wait.
TEST_F(HttpServerTest, TellsTheNextClientThoughTheOneBeforeStays) {
  options_.limits.connections_max = 0;
  options_.limits.turned_away_max = 1;
  options_.limits.farewell_timeout = milliseconds(20);
  start();
  WireClient stays(port());
  EXPECT_EQ(stays.status(), 503);
  int status = 0;
  for (int i = 0; i < 2'000 && status == 0; ++i) {
    ::poll(nullptr, 0, 1);
    status = WireClient(port()).status();
  }
  EXPECT_EQ(status, 503);
}

TEST_F(HttpServerTest, HoldsNoMoreThanItsLimitsHoweverManyAreRefused) {
  options_.limits.connections_max = 2;
  options_.limits.turned_away_max = 3;
  start();
  const auto before = open_descriptors();
  std::list<WireClient> clients;
  for (int i = 0; i < 40; ++i) clients.emplace_back(port());
  clients.front().send(kGetHealth);
  EXPECT_EQ(clients.front().status(), 200);
  EXPECT_EQ(clients.back().status(), 0);
  EXPECT_LE(open_descriptors() - before, std::ssize(clients) + 2 + 3);
}

TEST_F(HttpServerTest, LetsNoClientBehindAProxyTakeAllPlaces) {
  options_.limits.connections_per_address_max = 1;
  start();
  WireClient first(port());
  first.send(post(R"({"prompt":"a cat"})", "X-Forwarded-For: 192.0.2.7\r\n"));
  const ClaimedJob job = claim();
  WireClient second(port());
  second.send(post(R"({"prompt":"a cat"})", "X-Forwarded-For: 1.2.3.4, 192.0.2.7\r\n"));
  EXPECT_EQ(second.status(), 429);
  WireClient other(port());
  other.send("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.8\r\n\r\n");
  EXPECT_EQ(other.status(), 200);
  complete(job);
  EXPECT_EQ(first.status(), 200);
  WireClient third(port());
  third.send("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n");
  EXPECT_EQ(third.status(), 200);
}

TEST_F(HttpServerTest, OutlivesWhatABackgroundThreadThrows) {
  start();
  blobs_.hungry = true;
  const std::string reply = answer(post(R"({"prompt":"a cat","response_format":"b64_json"})"));
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 500"));
  EXPECT_THAT(reply, HasSubstr("x-should-retry: false"));
  WireClient client(port());
  client.send(kGetHealth);
  EXPECT_EQ(client.status(), 200);
}

TEST_F(HttpServerTest, MakesLinksThatWorkForAClientThatNamesNoHost) {
  start();
  const std::string reply =
      answer(post_as("/v1/images/generations HTTP/1.0\r\n", R"({"prompt":"a cat"})"));
  EXPECT_THAT(reply, HasSubstr(fmt::format("\"http://127.0.0.1:{}/v1/files/img/", port())));
}

TEST_F(HttpServerTest, MakesLinksAsATrustedProxySays) {
  constexpr std::string_view kFields =
      "X-Forwarded-Proto: https\r\nX-Forwarded-Host: pictures.example:8443\r\n"
      "X-Forwarded-Prefix: /images\r\n";
  options_.answers.trusted_proxies = *ProxyList::parse("127.0.0.0/8");
  start();
  EXPECT_THAT(answer(post(R"({"prompt":"a cat"})", kFields)),
              HasSubstr("\"https://pictures.example:8443/images/v1/files/img/"));
}

TEST_F(HttpServerTest, MakesNoLinksAsStrangersSay) {
  start();
  EXPECT_THAT(answer(post(R"({"prompt":"a cat"})",
                          "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n")),
              HasSubstr("\"http://pictures.example/v1/files/img/"));
}

TEST_F(HttpServerTest, SaysThatALinkWasWrittenAsHtml) {
  start();
  const auto reply = [&](std::string_view query) {
    WireClient client(port());
    client.send(
        fmt::format("GET /v1/files/img/{:022}.jpg?{} HTTP/1.1\r\nHost: a\r\n\r\n", 0, query));
    return client.reply();
  };
  EXPECT_THAT(reply("e=1&amp;k=2&amp;s=3"), HasSubstr("it has &amp; where it had &"));
  EXPECT_THAT(reply("e=1&k=2&s=3"), Not(HasSubstr("amp")));
}

TEST_F(HttpServerTest, TakesAWholeUrlOfItsOwn) {
  start();
  EXPECT_THAT(
      answer(post_as(fmt::format("http://localhost:{}/v1/images/generations HTTP/1.1\r\nHost: "
                                 "other\r\n",
                                 port()),
                     R"({"prompt":"a cat"})")),
      HasSubstr(fmt::format("\"http://localhost:{}/v1/files/img/", port())));
  for (const char* name : {"127.0.0.1", "LOCALHOST"}) {
    WireClient client(port());
    client.send(
        fmt::format("GET http://{}:{}/healthz HTTP/1.1\r\nHost: other\r\n\r\n", name, port()));
    EXPECT_EQ(client.status(), 200) << name;
  }
}

TEST_F(HttpServerTest, TakesNoWholeUrlOfAnotherServer) {
  options_.answers.public_url = "https://pictures.example";
  start();
  const auto status = [&](std::string_view url) {
    WireClient client(port());
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: other.example\r\n\r\n", url));
    return client.status();
  };
  EXPECT_EQ(status("http://other.example/healthz"), 421);
  EXPECT_EQ(status(fmt::format("http://127.0.0.1:{}/healthz", port() + 1)), 421);
  EXPECT_EQ(status("https://pictures.example/healthz"), 200);
}

TEST_F(HttpServerTest, FinishesTheReplyInWorkWhenItStops) {
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  const ClaimedJob job = claim();
  server_->stop();
  complete(job);
  EXPECT_EQ(client.status(), 200);
  thread_.join();
}

TEST_F(HttpServerTest, AnswersWhoHadConnectedWhenItStops) {
  start();
  WireClient client(port());
  server_->stop();
  client.send(kGetHealth);
  EXPECT_EQ(client.status(), 200);
  thread_.join();
}

// The system lets clients in before the server has taken them: none of them is cut off.
TEST_F(HttpServerTest, AnswersAllWhoHaveAskedWhenItStops) {
  listen();
  std::list<WireClient> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(port()).send(kGetHealth);
  server_->stop();
  run();
  for (WireClient& client : clients) EXPECT_EQ(client.status(), 200);
  thread_.join();
}

TEST_F(HttpServerTest, StopsAtOnceWhenNothingIsInWork) {
  start();
  WireClient idle(port());
  idle.send(kGetHealth);
  EXPECT_EQ(idle.status(), 200);
  server_->stop();
  thread_.join();
  EXPECT_EQ(idle.status(), 0);
}

// Whose patience ends while the server stops: so long that its last words reach everybody.
constexpr milliseconds kShortDrain{600};

TEST_F(HttpServerTest, TellsWhoStillWaitsWhenItsPatienceEndsAndLeavesTheJob) {
  options_.drain_timeout = kShortDrain;
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat"})"));
  const ClaimedJob job = claim();
  server_->stop();
  const std::string reply = client.reply();
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 503"));
  EXPECT_THAT(reply, HasSubstr("retry-after: "));
  EXPECT_THAT(reply, HasSubstr("the server is being stopped"));
  thread_.join();
  EXPECT_EQ(state_of(job), JobState::running);
}

TEST_F(HttpServerTest, EndsAStreamWithTheReasonWhenItsPatienceEnds) {
  options_.drain_timeout = kShortDrain;
  start();
  WireClient client(port());
  client.send(post(R"({"prompt":"a cat","stream":true})"));
  const ClaimedJob job = claim();
  server_->stop();
  const std::string stream = client.until("0\r\n\r\n");
  EXPECT_THAT(stream, HasSubstr("event: error"));
  EXPECT_THAT(stream, HasSubstr("the server is being stopped"));
  EXPECT_TRUE(stream.ends_with("\r\n0\r\n\r\n"));
  thread_.join();
  EXPECT_EQ(state_of(job), JobState::running);
}

TEST_F(HttpServerTest, TellsWhoHasNotSentTheWholeBodyWhenItsPatienceEnds) {
  options_.drain_timeout = kShortDrain;
  start();
  WireClient client(port());
  const std::string request = post(R"({"prompt":"a cat"})", "Expect: 100-continue\r\n");
  client.send(request.substr(0, request.find("\r\n\r\n") + 4));
  EXPECT_THAT(client.until("\r\n\r\n"), HasSubstr("100 Continue"));
  server_->stop();
  EXPECT_EQ(client.status(), 503);
  thread_.join();
}

TEST_F(HttpServerTest, SaysWhichAddressItCannotTake) {
  start();
  ServerOptions taken = options_;
  taken.port = port();
  HttpServer second(taken, services());
  const auto listening = second.listen();
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace imagined::api
