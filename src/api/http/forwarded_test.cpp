#include "api/http/forwarded.h"

#include <gtest/gtest.h>

#include <string>

namespace imagined::api {
namespace {

using boost::asio::ip::make_address;

const ProxyList kTrusted = *ProxyList::parse("127.0.0.1, 10.0.0.0/8, 2001:db8::/32");

Request request(std::initializer_list<Header> fields) {
  Request made;
  made.headers.add("Host", "inner:8080");
  for (const Header& field : fields) made.headers.add(field.name, field.value);
  return made;
}

Origin origin(std::initializer_list<Header> fields, const char* peer = "127.0.0.1") {
  return find_origin(request(fields), make_address(peer), kTrusted);
}

TEST(ProxyList, HoldsAddressesAndNetworks) {
  for (const char* address :
       {"127.0.0.1", "::ffff:127.0.0.1", "10.0.0.0", "10.255.1.2", "2001:db8:7::1"}) {
    EXPECT_TRUE(kTrusted.contains(make_address(address))) << address;
  }
  for (const char* address : {"127.0.0.2", "11.0.0.0", "9.255.255.255", "2001:db9::1", "::1"}) {
    EXPECT_FALSE(kTrusted.contains(make_address(address))) << address;
  }
}

TEST(ProxyList, TakesNetworksThatEndWithinAByte) {
  const ProxyList list = *ProxyList::parse("172.16.0.0/12");
  EXPECT_TRUE(list.contains(make_address("172.31.255.255")));
  EXPECT_FALSE(list.contains(make_address("172.32.0.0")));
  EXPECT_TRUE(ProxyList::parse("0.0.0.0/0")->contains(make_address("8.8.8.8")));
}

TEST(ProxyList, IsEmptyForAnEmptyText) {
  EXPECT_FALSE(ProxyList::parse("")->contains(make_address("127.0.0.1")));
}

TEST(ProxyList, NamesWhatIsNoAddress) {
  for (const char* text : {"localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129",
                           "10.0.0.1,,10.0.0.2", "10.0.0.1:80"}) {
    const auto list = ProxyList::parse(text);
    ASSERT_FALSE(list) << text;
    EXPECT_EQ(list.error().field, "trusted_proxies");
  }
}

TEST(Origin, IsThePeerWhenNobodySpeaksForAnother) {
  const Origin seen = origin({}, "192.0.2.7");
  EXPECT_EQ(seen.client.to_string(), "192.0.2.7");
  EXPECT_EQ(seen.scheme, "http");
  EXPECT_EQ(seen.authority, "inner:8080");
  EXPECT_EQ(seen.prefix, "");
  EXPECT_FALSE(seen.fields_ignored);
}

TEST(Origin, BelievesATrustedProxy) {
  const Origin seen = origin({{"X-Forwarded-For", "192.0.2.7"},
                              {"X-Forwarded-Proto", "https"},
                              {"X-Forwarded-Host", "pictures.example"},
                              {"X-Forwarded-Prefix", "/images/"}});
  EXPECT_EQ(seen.client.to_string(), "192.0.2.7");
  EXPECT_EQ(seen.scheme, "https");
  EXPECT_EQ(seen.authority, "pictures.example");
  EXPECT_EQ(seen.prefix, "/images");
}

TEST(Origin, BelievesNobodyElse) {
  const Origin seen = origin({{"X-Forwarded-For", "1.2.3.4"},
                              {"X-Forwarded-Proto", "https"},
                              {"X-Forwarded-Host", "evil.example"},
                              {"X-Forwarded-Prefix", "/evil"}},
                             "192.0.2.7");
  EXPECT_EQ(seen.client.to_string(), "192.0.2.7");
  EXPECT_EQ(seen.scheme, "http");
  EXPECT_EQ(seen.authority, "inner:8080");
  EXPECT_EQ(seen.prefix, "");
  EXPECT_TRUE(seen.fields_ignored);
}

TEST(Origin, ReadsForwardedBeforeTheOlderFields) {
  const Origin seen = origin({{"X-Forwarded-For", "1.2.3.4"},
                              {"Forwarded",
                               "for=\"[2001:db9::7]:1234\";Proto=HTTPS;"
                               "host=\"pictures.example:8443\""}});
  EXPECT_EQ(seen.client.to_string(), "2001:db9::7");
  EXPECT_EQ(seen.scheme, "https");
  EXPECT_EQ(seen.authority, "pictures.example:8443");
}

// The client wrote the first address itself; the proxies at 10.0.0.x added the others.
TEST(Origin, StopsAtTheFirstAddressThatIsNotTrusted) {
  EXPECT_EQ(origin({{"X-Forwarded-For", "1.2.3.4, 192.0.2.7, 10.0.0.2"}}).client.to_string(),
            "192.0.2.7");
  EXPECT_EQ(origin({{"Forwarded", "for=1.2.3.4;host=evil.example, for=192.0.2.7;host=good.example"},
                    {"Forwarded", "for=10.0.0.2"}})
                .authority,
            "good.example");
}

TEST(Origin, TakesWhatIsNoAddressHostOrPathForNotSaid) {
  const Origin seen = origin({{"X-Forwarded-For", "unknown"},
                              {"X-Forwarded-Proto", "gopher"},
                              {"X-Forwarded-Host", "a/b"},
                              {"X-Forwarded-Prefix", "//evil.example"}});
  EXPECT_EQ(seen.client.to_string(), "127.0.0.1");
  EXPECT_EQ(seen.scheme, "http");
  EXPECT_EQ(seen.authority, "inner:8080");
  EXPECT_EQ(seen.prefix, "");
}

TEST(Origin, TakesTheHostOfAWholeUrlBeforeTheHostField) {
  Request asked = request({});
  asked.target_authority = "outer";
  EXPECT_EQ(find_origin(asked, make_address("192.0.2.7"), kTrusted).authority, "outer");
}

TEST(CountedAddress, IsThatOfTheClientBehindALocalProxy) {
  const auto counted = [](std::initializer_list<Header> fields, const char* peer) {
    return counted_address(request(fields), make_address(peer), ProxyList()).to_string();
  };
  EXPECT_EQ(counted({}, "127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(counted({{"X-Forwarded-For", "1.2.3.4, 192.0.2.7"}}, "127.0.0.1"), "192.0.2.7");
  EXPECT_EQ(counted({{"X-Forwarded-For", "1.2.3.4"}}, "192.0.2.7"), "192.0.2.7");
}

}  // namespace
}  // namespace imagined::api
