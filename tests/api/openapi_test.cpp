// The routes of the server and docs/api/openapi.yaml, in both directions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "api/http/router.h"

namespace imagined::api {
namespace {

/// "GET /v1/models/{}": names of parameters may differ.
std::string spelt(std::string method, std::string_view path) {
  std::string text = std::move(method) + " ";
  for (bool inside = false; const char c : path) {
    if (!inside) text += c;
    if (c == '{') inside = true;
    if (c == '}' && std::exchange(inside, false)) text += c;
  }
  return text;
}

/// The file is written so that a path stands two spaces in and its methods four.
std::set<std::string> described() {
  std::ifstream file(IMAGINED_SOURCE_DIR "/docs/api/openapi.yaml");
  std::set<std::string> operations;
  std::string path;
  for (std::string line; std::getline(file, line) && line != "components:";) {
    if (!line.ends_with(':')) continue;
    line.pop_back();
    if (line.starts_with("  /")) path = line.substr(2);
    std::string word = line.substr(std::min<std::size_t>(line.size(), 4));
    if (path.empty() || !line.starts_with("    ") || word.starts_with(' ')) continue;
    if (word == "parameters") continue;
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::toupper(c); });
    operations.insert(spelt(word, path));
  }
  return operations;
}

TEST(OpenApi, DescribesTheRoutesOfTheServerAndNoOthers) {
  std::set<std::string> served;
  for (const Route& route : all_routes())
    served.insert(spelt(std::string(route.method), route.pattern));
  EXPECT_EQ(described(), served);
}

}  // namespace
}  // namespace imagined::api
