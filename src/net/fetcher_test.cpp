#include "net/fetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <optional>
#include <string>

#include "base/folder_testing.h"
#include "base/thread_shortage_testing.h"
#include "net/test_server.h"

namespace imagined::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbytes";

FetchRules loopback_allowed() { return {.networks_allowed = {*parse_network("127.0.0.0/8")}}; }

/// A resolver that knows one answer.
FetchRules with_addresses(std::vector<std::string> texts, FetchRules rules = {}) {
  rules.resolve = [texts](const std::string&, FetchDeadline) -> Result<std::vector<IpAddress>> {
    std::vector<IpAddress> addresses;
    for (const std::string& text : texts) addresses.push_back(*parse_ip(text));
    return addresses;
  };
  return rules;
}

struct Got {
  std::string bytes;
  std::string error;   // its message
  std::string detail;  // for the log
};

Got fetch(Fetcher& fetcher, const std::string& url, std::size_t bytes_max = 1000,
          milliseconds time = milliseconds(5000)) {
  Got got;
  const auto done = fetcher.get(
      url, {.bytes_max = bytes_max, .deadline = std::chrono::steady_clock::now() + time},
      [&](std::span<const std::uint8_t> bytes) -> Result<void> {
        got.bytes.append(bytes.begin(), bytes.end());
        return {};
      });
  if (!done) {
    got.error = done.error().message;
    got.detail = done.error().detail;
  }
  return got;
}

Got fetch(FetchRules rules, const std::string& url, std::size_t bytes_max = 1000,
          milliseconds time = milliseconds(5000)) {
  Fetcher fetcher(std::move(rules));
  return fetch(fetcher, url, bytes_max, time);
}

TEST(Fetcher, HandsOnTheBytesOfAnAllowedPlace) {
  TestServer server([](const std::string&) { return kOk; });
  const Got got = fetch(loopback_allowed(), server.url("/a.png?x=1#part"));
  EXPECT_EQ(got.error, "") << got.detail;
  EXPECT_EQ(got.bytes, "bytes");
  ASSERT_THAT(server.requests(), SizeIs(1));
  EXPECT_THAT(server.requests()[0], HasSubstr("GET /a.png?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests()[0], testing::Not(HasSubstr("Accept-Encoding")));
}

Result<void> put(FetchRules rules, const std::string& url) {
  Fetcher fetcher(std::move(rules));
  constexpr std::uint8_t kBytes[] = {'b', 'y', 't', 'e', 's'};
  return fetcher.put(url, {.bytes = kBytes, .content_type = "image/png"},
                     std::chrono::steady_clock::now() + milliseconds(60'000));
}

TEST(Fetcher, PutsBytesWhereTheyAreTaken) {
  TestServer server([](const std::string& path) {
    return path == "/taken" ? "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
                            : "HTTP/1.1 307 No\r\nLocation: /taken\r\nContent-Length: 0\r\n\r\n";
  });
  const auto taken = put(loopback_allowed(), server.url("/taken"));
  EXPECT_TRUE(taken) << taken.error().detail;
  EXPECT_THAT(server.requests().at(0), HasSubstr("PUT /taken HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("Content-Type: image/png\r\n"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("Content-Length: 5\r\n"));
  EXPECT_EQ(put(loopback_allowed(), server.url("/elsewhere")).error().detail, "status 307");
  EXPECT_THAT(server.requests(), SizeIs(2)) << "nothing redirects it";
}

TEST(Fetcher, SaysWhyBytesWereNotTaken) {
  TestServer server([](const std::string& path) {
    return path == "/no" ? "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
                         : "HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
  });
  const auto why = [](const std::string& url) {
    return put(loopback_allowed(), url).error().message;
  };
  EXPECT_EQ(why(server.url("/no")), "it answered with status 403");
  EXPECT_EQ(why(server.url("/on")),
            "it redirects elsewhere (status 302), which uploads do not follow");
  // Nobody listens at port 1.
  EXPECT_EQ(why("http://127.0.0.1:1/"), "it refused the connection");
}

TEST(Fetcher, GivesUpSendingWhereNobodyAnswersInTime) {
  std::promise<void> over;
  TestServer silent([&over](const std::string&) {
    over.get_future().wait();
    return kOk;
  });
  constexpr std::uint8_t kByte[] = {'b'};
  Fetcher fetcher(loopback_allowed());
  const auto sent = fetcher.put(silent.url("/"), {.bytes = kByte, .content_type = "image/png"},
                                std::chrono::steady_clock::now() + milliseconds(200));
  over.set_value();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().message, "it took too long");
}

TEST(Fetcher, DoesNotTellWhatANameStandsForWhereItSendsNothing) {
  const auto sent = put(with_addresses({"10.1.2.3"}), "http://a.example/");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().message, "it could not be reached");
}

TEST(Fetcher, PutsNothingWhereNothingIsFetched) {
  TestServer canary([](const std::string&) { return kOk; });
  EXPECT_FALSE(put({}, canary.url("/")));
  EXPECT_FALSE(put(with_addresses({"127.0.0.1"}), "http://a.example/"));
  EXPECT_FALSE(Fetcher({}).check("http://127.0.0.1/"));
  EXPECT_FALSE(Fetcher({}).check("https://a.example:22/"));
  EXPECT_TRUE(Fetcher({}).check("https://a.example/"));
  EXPECT_THAT(canary.requests(), SizeIs(0));
}

TEST(Fetcher, ConnectsToNothingThatIsNotPublic) {
  TestServer canary([](const std::string&) { return kOk; });
  const std::string port = ":" + std::to_string(canary.port()) + "/";
  // At port 80 the address alone decides.
  for (const char* host :
       {"127.0.0.1", "127.8.9.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]",
        "169.254.169.254", "10.0.0.1", "100.100.100.200", "[fd00:ec2::254]", "[fe80::1]",
        "[64:ff9b::7f00:1]", "127.1", "2130706433", "0x7f.1", "[2002:7f00:1::]"}) {
    EXPECT_NE(fetch(FetchRules{}, std::string("http://") + host + port).error, "") << host;
    EXPECT_NE(fetch(FetchRules{}, std::string("http://") + host + "/").error, "") << host;
  }
  EXPECT_THAT(canary.requests(), SizeIs(0));
}

TEST(Fetcher, TellsOfAWrittenAddressButNotOfANamedOne) {
  EXPECT_EQ(fetch(FetchRules{}, "http://127.0.0.1/").error,
            "the URL leads to an address that is not public");
  const Got named = fetch(with_addresses({"10.0.0.7"}), "http://internal.example/");
  EXPECT_EQ(named.error, "the URL could not be fetched");
  EXPECT_EQ(named.detail, "10.0.0.7 is not public");
  EXPECT_EQ(fetch(FetchRules{}, "http://example.org:22/").error,
            "the URL names port 22, expected 443 or 80");
}

TEST(Fetcher, RefusesANameWithOnePrivateAddressAmongPublicOnes) {
  EXPECT_EQ(fetch(with_addresses({"8.8.8.8", "127.0.0.1"}), "http://two.example/").detail,
            "127.0.0.1 is not public");
  EXPECT_EQ(
      fetch(with_addresses(std::vector<std::string>(17, "8.8.8.8")), "http://a.example/").detail,
      "the name has too many addresses");
  EXPECT_EQ(fetch(with_addresses({}), "http://none.example/").detail, "the name has no address");
}

// A name that answers with another address when it is asked again: it is not asked again.
TEST(Fetcher, ConnectsToTheAddressThatItChecked) {
  TestServer checked([](const std::string&) { return kOk; });
  FetchRules rules = loopback_allowed();
  rules.hosts_allowed = {"flip.example"};  // for the canned server's port
  int lookups = 0;
  rules.resolve = [&](const std::string&, FetchDeadline) -> Result<std::vector<IpAddress>> {
    return std::vector<IpAddress>{*parse_ip(++lookups == 1 ? "127.0.0.1" : "10.0.0.1")};
  };
  const Got got = fetch(rules, checked.url("/", "flip.example"));
  EXPECT_EQ(got.bytes, "bytes") << got.detail;
  EXPECT_EQ(lookups, 1);
  EXPECT_THAT(checked.requests()[0], HasSubstr("Host: flip.example:"));
}

TEST(Fetcher, ChecksEveryRedirectLikeTheFirstUrl) {
  std::string location;
  TestServer server([&](const std::string& path) {
    return path == "/end" ? std::string(kOk)
                          : "HTTP/1.1 302 Found\r\nLocation: " + location +
                                "\r\nContent-Length: 4\r\n\r\ngone";
  });
  TestServer canary([](const std::string&) { return kOk; });
  location = "/end";
  EXPECT_EQ(fetch(loopback_allowed(), server.url()).bytes, "bytes");
  const auto refused = [&](std::string to) {
    location = std::move(to);
    const Got got = fetch({.networks_allowed = {*parse_network("127.0.0.1")}}, server.url());
    EXPECT_EQ(got.bytes, "") << location;
    return got.error + "|" + got.detail;
  };
  EXPECT_THAT(refused("http://127.0.0.2:" + std::to_string(canary.port()) + "/"),
              HasSubstr("port"));
  EXPECT_THAT(refused("http://10.0.0.1/"), HasSubstr("not public"));
  EXPECT_THAT(refused("file:///etc/passwd"), HasSubstr("neither http nor https"));
  EXPECT_THAT(refused("gopher://127.0.0.1:70/_x"), HasSubstr("neither http nor https"));
  EXPECT_THAT(refused("/again"), HasSubstr("too many redirects"));
  EXPECT_THAT(canary.requests(), SizeIs(0));
}

TEST(Fetcher, FollowsThreeRedirectsAndNotFour) {
  TestServer server([](const std::string& path) {
    const int left = path[1] - '0';
    return left == 0 ? std::string(kOk)
                     : "HTTP/1.1 307 T\r\nContent-Length: 0\r\nLocation: /" +
                           std::to_string(left - 1) + "\r\n\r\n";
  });
  EXPECT_EQ(fetch(loopback_allowed(), server.url("/3")).bytes, "bytes");
  EXPECT_EQ(fetch(loopback_allowed(), server.url("/4")).detail, "too many redirects");
}

TEST(Fetcher, StopsAtTheLimitOfBytes) {
  TestServer server([](const std::string& path) {
    return path == "/length" ? std::string(kOk)
                             : "HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x');
  });
  EXPECT_EQ(fetch(loopback_allowed(), server.url("/length"), 5).bytes, "bytes");
  EXPECT_EQ(fetch(loopback_allowed(), server.url("/length"), 4).error,
            "the URL leads to more bytes than are allowed");
  const Got endless = fetch(loopback_allowed(), server.url("/endless"), 50'000);
  EXPECT_EQ(endless.error, "the URL leads to more bytes than are allowed");
  EXPECT_LE(endless.bytes.size(), 50'000u);
}

TEST(Fetcher, RefusesAnswersThatAreNotWhollyRight) {
  std::string answer;
  TestServer server([&](const std::string&) { return answer; });
  const auto detail = [&](std::string reply) {
    answer = std::move(reply);
    const Got got = fetch(loopback_allowed(), server.url());
    EXPECT_EQ(got.error, "the URL could not be fetched") << answer;
    return got.detail;
  };
  EXPECT_EQ(detail("HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\nsecret"), "status 401");
  EXPECT_EQ(detail("HTTP/1.1 204 None\r\n\r\n"), "status 204");
  EXPECT_EQ(detail("HTTP/1.1 206 Part\r\nContent-Length: 1\r\n\r\nx"), "status 206");
  EXPECT_EQ(detail("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "status 302");
  EXPECT_EQ(detail("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"),
            "the answer is encoded");
  EXPECT_NE(detail("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"), "");
  EXPECT_NE(detail("no http"), "");
  EXPECT_NE(detail("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"), "");
  std::string flood;
  for (int i = 0; i < 2000; ++i) flood += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_NE(detail(flood + kOk), "");
}

TEST(Fetcher, GivesUpAtTheDeadline) {
  TestServer silent([](const std::string&) { return ""; });
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(fetch(loopback_allowed(), silent.url(), 1000, milliseconds(100)).error,
            "the URL could not be fetched");
  FetchRules slow_names;
  slow_names.resolve = [](const std::string&, FetchDeadline) -> Result<std::vector<IpAddress>> {
    return std::vector<IpAddress>{*parse_ip("8.8.8.8")};
  };
  EXPECT_EQ(fetch(slow_names, "http://a.example/", 1000, milliseconds(0)).detail, "no time left");
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(3000));
}

TEST(Fetcher, LetsFourRequestsToOneHostThroughAtATime) {
  TestServer silent([](const std::string&) { return ""; });
  Fetcher fetcher(loopback_allowed());
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { fetch(fetcher, silent.url(), 1000, milliseconds(700)); });
  while (silent.requests().size() < 4) std::this_thread::yield();
  EXPECT_EQ(fetch(fetcher, silent.url(), 1000, milliseconds(20)).detail,
            "the host is busy with other requests of ours");
  threads.clear();
  EXPECT_THAT(silent.requests(), SizeIs(4));
}

TEST(Fetcher, FetchesFromAHostThatTakesWhatIsSentSlowly) {
  std::optional<TestServer> server(std::in_place, [](const std::string& path) {
    return path == "/fetched" ? std::string(kOk) : std::string();
  });
  Fetcher fetcher(loopback_allowed());
  constexpr std::uint8_t kByte[] = {'b'};
  std::vector<std::jthread> uploads;
  for (int i = 0; i < 4; ++i)
    uploads.emplace_back([&, url = server->url("/taken")] {
      (void)fetcher.put(url, {.bytes = kByte, .content_type = "image/png"},
                        std::chrono::steady_clock::now() + milliseconds(60'000));
    });
  while (server->requests().size() < 4) std::this_thread::yield();
  EXPECT_EQ(fetch(fetcher, server->url("/fetched")).bytes, "bytes");
  server.reset();  // which ends the uploads
}

TEST(Fetcher, UsesNoProxyOfTheEnvironment) {
  TestServer server([](const std::string&) { return kOk; });
  TestServer proxy([](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\nproxied"; });
  setenv("http_proxy", proxy.url().c_str(), 1);
  setenv("ALL_PROXY", proxy.url().c_str(), 1);
  EXPECT_EQ(fetch(loopback_allowed(), server.url()).bytes, "bytes");
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
  EXPECT_THAT(proxy.requests(), SizeIs(0));
}

TEST(Fetcher, EndsWithTheErrorOfItsSink) {
  TestServer server([](const std::string&) { return kOk; });
  Fetcher fetcher(loopback_allowed());
  const auto done = fetcher.get(
      server.url(),
      {.bytes_max = 10, .deadline = std::chrono::steady_clock::now() + milliseconds(5000)},
      [](std::span<const std::uint8_t>) -> Result<void> {
        return fail(ErrorCode::storage_full, "no room");
      });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::storage_full);
}

TEST(SystemResolver, GivesUpALookupThatHasNoThreadAndItsPlaceWithIt) {
  const Resolver resolve = system_resolver();
  const auto deadline = std::chrono::steady_clock::now() + milliseconds(60'000);
  {
    constexpr int kMoreThanThereArePlaces = 20;
    const ThreadShortage shortage(0, kMoreThanThereArePlaces);
    for (int i = 0; i < kMoreThanThereArePlaces; ++i) {
      const auto refused = resolve("localhost", deadline);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().detail, "there is no room for another lookup");
    }
  }
  const auto found = resolve("localhost", deadline);
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_THAT(*found, testing::Not(testing::IsEmpty()));
}

TEST(FetchRules, AllowTheNetworksAndHostsOfAList) {
  const auto rules = parse_fetch_rules(" 10.1.0.0/16, minio.internal,,fd00::/8 ");
  ASSERT_TRUE(rules);
  ASSERT_THAT(rules->networks_allowed, SizeIs(2));
  EXPECT_TRUE(rules->networks_allowed[0].contains(*parse_ip("10.1.2.3")));
  EXPECT_THAT(rules->hosts_allowed, testing::ElementsAre("minio.internal"));
  EXPECT_TRUE(parse_fetch_rules("")->hosts_allowed.empty());
  for (const char* wrong : {"10.1.0.0/99", "http://a", "a/b", "a:80", "Minio", "a b", "*"})
    EXPECT_EQ(parse_fetch_rules(wrong).error().field, "fetch_allow") << wrong;
}

class FetcherOverTls : public testing::Test {
 protected:
  FetchRules trusting(const TestCertificate& certificate) const {
    certificate.write(ca_file);
    FetchRules rules = with_addresses({"127.0.0.1"}, loopback_allowed());
    rules.hosts_allowed = {"pictures.example"};
    rules.ca_file = ca_file;
    return rules;
  }

  const TestFolder folder_;
  const std::string ca_file = folder_.path() / "ca.pem";
};

TEST_F(FetcherOverTls, FetchesFromWhomItsCertificateNames) {
  const TestCertificate certificate("pictures.example");
  TestServer server([](const std::string&) { return kOk; }, &certificate);
  const Got got = fetch(trusting(certificate), server.url("/", "pictures.example"));
  EXPECT_EQ(got.bytes, "bytes") << got.detail;
}

TEST_F(FetcherOverTls, RefusesAStrangersAWrongAndAnExpiredCertificate) {
  const TestCertificate right("pictures.example");
  const TestCertificate other("other.example");
  const TestCertificate expired("pictures.example", -60);
  TestServer stranger([](const std::string&) { return kOk; }, &right);
  TestServer wrong([](const std::string&) { return kOk; }, &other);
  TestServer late([](const std::string&) { return kOk; }, &expired);
  EXPECT_NE(fetch(trusting(other), stranger.url("/", "pictures.example")).detail, "");
  EXPECT_NE(fetch(trusting(other), wrong.url("/", "pictures.example")).detail, "");
  EXPECT_NE(fetch(trusting(expired), late.url("/", "pictures.example")).detail, "");
  for (const TestServer* server : {&stranger, &wrong, &late})
    for (const std::string& request : server->requests()) EXPECT_EQ(request, "");
}

}  // namespace
}  // namespace imagined::net
