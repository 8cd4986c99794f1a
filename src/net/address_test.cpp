#include "net/address.h"

#include <gtest/gtest.h>

namespace imagined::net {
namespace {

bool is_public(std::string_view text) {
  const auto address = parse_ip(text);
  EXPECT_TRUE(address) << text;
  return address && net::is_public(*address);
}

TEST(IpAddress, IsReadInItsCanonicalFormOnly) {
  for (const char* text : {"127.0.0.1", "8.8.8.8", "::1", "2606:4700::6810:84e5", "fd00::"})
    EXPECT_EQ(to_string(*parse_ip(text)), text);
  EXPECT_EQ(to_string(*parse_ip("::ffff:10.0.0.1")), "10.0.0.1");
  for (const char* text : {"", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "1.2.3.4.5",
                           "256.0.0.1", "::1%lo", "fe80::1%25lo", "[::1]", " 1.2.3.4", "1:2:3"})
    EXPECT_FALSE(parse_ip(text)) << text;
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)));
}

TEST(IpAddress, OfTheWholeInternetIsPublic) {
  for (const char* text :
       {"1.1.1.1",         "8.8.8.8",         "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",     "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0",     "172.15.255.255",  "172.32.0.0",
        "192.0.1.0",       "192.167.255.255", "192.169.0.0",     "198.17.255.255",
        "198.20.0.0",      "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1",
        "2001:200::1",     "2003::1",         "::ffff:8.8.8.8",  "64:ff9b::808:808"})
    EXPECT_TRUE(is_public(text)) << text;
}

TEST(IpAddress, OfAnyOtherKindIsNotPublic) {
  for (const char* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.0",
                           "100.100.100.200",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.255",
                           "169.254.169.254",
                           "172.16.0.0",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.0.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.7",
                           "224.0.0.1",
                           "239.1.1.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::10.0.0.1",
                           "::ffff:10.0.0.1",
                           "::ffff:127.0.0.1",
                           "64:ff9b::a00:1",
                           "64:ff9b::7f00:1",
                           "64:ff9b:1::1",
                           "100::1",
                           "2001::1",
                           "2001:0:1::",
                           "2001:1ff::1",
                           "2001:db8::1",
                           "2002:a00:1::",
                           "3fff::1",
                           "3fff:fff::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1",
                           "2606:4700::5efe:10.0.0.1",
                           "2606:4700::200:5efe:10.0.0.1",
                           "4000::1",
                           "e000::1"})
    EXPECT_FALSE(is_public(text)) << text;
}

TEST(Network, HoldsTheAddressesOfItsPrefix) {
  const auto contains = [](std::string_view network, std::string_view address) {
    return parse_network(network)->contains(*parse_ip(address));
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(contains("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(contains("127.0.0.1", "::ffff:127.0.0.1"));
  EXPECT_FALSE(contains("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(contains("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2606::1"));
  EXPECT_TRUE(contains("fd00::/8", "fdff::1"));
  for (const char* text :
       {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10/8", "fd00::/129", "10.0.0.0/8x", "host"})
    EXPECT_FALSE(parse_network(text)) << text;
}

}  // namespace
}  // namespace imagined::net
