#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "api/http/router.h"
#include "base/text.h"

namespace imagined::api {
namespace {

// "GET /v1/models/{}": however a document calls its parameters.
std::string place(std::string_view method, std::string_view path) {
  std::string text(method);
  text += ' ';
  while (!path.empty()) {
    const auto begin = std::min(path.find('{'), path.size());
    const auto end = std::min(path.find('}'), path.size());
    text += path.substr(0, begin);
    if (begin < path.size()) text += "{}";
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return text;
}

// Paths stand two spaces deep and their methods four: the house's own file, not any YAML.
std::set<std::string> described() {
  std::ifstream file(IMAGINED_SOURCE_DIR "/docs/api/openapi.yaml");
  std::set<std::string> places;
  std::string path;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("  /") && line.ends_with(':'))
      path = line.substr(2, line.size() - 3);
    else if (line.size() > 2 && line[0] != ' ')
      path.clear();
    for (const std::string method : {"GET", "POST", "PUT", "DELETE"})
      if (!path.empty() && line == "    " + ascii_lower(method) + ":")
        places.insert(place(method, path));
  }
  return places;
}

std::set<std::string> served() {
  std::set<std::string> places;
  for (const Route& route : all_routes()) places.insert(place(route.method, route.pattern));
  return places;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  EXPECT_THAT(described(), testing::ContainerEq(served()));
  EXPECT_GT(served().size(), 20u);
}

}  // namespace
}  // namespace imagined::api
