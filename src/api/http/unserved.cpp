#include "api/http/unserved.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/words.h"

namespace imagined::api {
namespace {

struct Known {
  std::string_view pattern;
  std::string_view what;
  std::string_view method = {};  // empty: any
};

// Paths that clients of the two APIs ask for. A row goes when its route comes.
constexpr Known kNotServedYet[] = {
    {"/v1/embedding-models/{id}", "embeddings"},
    {"/v1/embeddings", "embeddings"},
    {"/v1/batches", "batches"},
    {"/v1/batches/{path*}", "batches"},
    {"/v1/chat/deferred-completion/{id}", "deferred chat"},
    {"/v1/responses/{id}", "kept answers"},
    {"/v1/responses/{id}/{path*}", "kept answers"},
    {"/v1/completions", "chat"},
    {"/v1/complete", "chat"},
    {"/v1/messages", "chat"},
    {"/v1/tokenize-text", "counting tokens"},
    {"/v1/documents/search", "searching documents"},
    {"/v1/skills", "skills"},
    {"/v1/skills/{path*}", "skills"},
};

// Paths of OpenAI's API that xAI's does not have.
constexpr Known kNotThere[] = {
    {"/v1/images/variations",
     "the Imagine API has no variations; ask /v1/images/generations with "
     "another seed"},
    {"/v1/videos", "videos are asked for at /v1/videos/generations"},
    {"/v1/videos/{id}/content", "the file of a video is behind video.url of GET /v1/videos/{id}"},
    {"/v1/images", "pictures are asked for at /v1/images/generations"},
};

bool has_path(std::span<const Route> routes, std::string_view path) {
  const RouteMatch match = match_route(routes, {}, path);
  return match.route != nullptr || !match.allow.empty();
}

template <std::size_t n>
const Known* find(const Known (&table)[n], std::string_view method, std::string_view path) {
  for (const Known& known : table) {
    if (!known.method.empty() && known.method != method) continue;
    const Route route{.pattern = known.pattern};
    if (has_path({&route, 1}, path)) return &known;
  }
  return nullptr;
}

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> found;
  while (!path.empty()) {
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(segment.size() + 1, path.size()));
    if (!segment.empty()) found.push_back(segment);
  }
  return found;
}

// The known path that `path` seems to mean: its longest end that is one, with or without /v1.
std::optional<std::string> meant(std::span<const Route> routes, std::string_view method,
                                 std::string_view path) {
  const auto parts = segments(path);
  for (auto first = parts.begin(); first != parts.end(); ++first) {
    const std::string end = "/" + join_words(std::span(first, parts.end()), "/");
    for (const std::string& candidate : {end, "/v1" + end}) {
      if (has_path(routes, candidate) || find(kNotServedYet, method, candidate)) return candidate;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Error> known_and_unserved(std::string_view method, std::string_view path) {
  if (const Known* known = find(kNotThere, method, path))
    return Error{ErrorCode::not_found, std::string(known->what)};
  if (const Known* known = find(kNotServedYet, method, path))
    return Error{ErrorCode::unimplemented,
                 fmt::format("this server does not serve {} yet ({})", path, known->what)};
  return std::nullopt;
}

Error unserved(std::span<const Route> routes, std::string_view method, std::string_view path) {
  if (auto known = known_and_unserved(method, path)) return std::move(*known);
  auto right = meant(routes, method, path);
  if (!right) right = meant(routes, method, ascii_lower(path));
  if (!right) return {ErrorCode::not_found, "there is nothing at this path"};
  if (!has_path(routes, *right)) return unserved(routes, method, *right);
  return {ErrorCode::not_found,
          fmt::format("there is nothing at this path; {} is here (a base URL ends in /v1, once)",
                      *right)};
}

}  // namespace imagined::api
