#include "hub/hub.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace imagined::hub {
namespace {

constexpr std::size_t kAnswerBytesMax = 16u << 20;

/// Every byte of a part of an address that could mean something there as %XX.
std::string escaped(std::string_view text, std::string_view kept = {}) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~' ||
                       kept.find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// `"abc"`, `W/"abc"` or `abc`.
std::string_view bare_tag(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() >= 2 && tag.starts_with('"') && tag.ends_with('"'))
    return tag.substr(1, tag.size() - 2);
  return tag;
}

std::optional<std::uint64_t> number_at(std::string_view& text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return value;
}

/// "bytes 5-9/10": the first byte, if the whole is as long as it should be.
std::optional<std::uint64_t> first_byte(std::string_view range, std::uint64_t size_bytes) {
  constexpr std::string_view kUnit = "bytes ";
  if (!range.starts_with(kUnit)) return std::nullopt;
  range.remove_prefix(kUnit.size());
  const auto from = number_at(range);
  const std::size_t slash = range.find('/');
  if (!from || slash == std::string_view::npos) return std::nullopt;
  std::string_view whole = range.substr(slash + 1);
  if (whole == "*") return from;
  const auto size = number_at(whole);
  return size && *size == size_bytes ? from : std::nullopt;
}

}  // namespace

Hub::Hub(HubOptions options) : options_(std::move(options)) {
  while (options_.endpoint.ends_with('/')) options_.endpoint.pop_back();
}

tl::unexpected<Error> Hub::refusal(const net::DownloadHead& head, const std::string& name,
                                   std::string_view what) const {
  const std::string_view code = head.field("x-error-code");
  const bool known = !options_.token.empty();
  if (code == "GatedRepo") {
    const std::string accept =
        fmt::format("open {}, sign in and accept its licence", page_of(name));
    return fail(
        known ? ErrorCode::permission_denied : ErrorCode::unauthenticated,
        known
            ? fmt::format("{}: whoever HF_TOKEN stands for may not read it yet: {} (a "
                          "fine-grained token also needs the right to read gated repositories)",
                          name, accept)
            : fmt::format("{}: it is given only to who has accepted its licence: {}, make a token "
                          "that may read at {}/settings/tokens, and set HF_TOKEN to it",
                          name, accept, options_.endpoint));
  }
  if (head.status == 401 || code == "RepoNotFound") {
    return fail(ErrorCode::not_found,
                known ? fmt::format("{}: {} does not know it, or not the token in HF_TOKEN", name,
                                    options_.endpoint)
                      : fmt::format("{}: {} has no such repository, or shows it only to who signs "
                                    "in (HF_TOKEN)",
                                    name, options_.endpoint));
  }
  if (head.status == 403) {
    return fail(ErrorCode::permission_denied,
                fmt::format("{}: {} gives {} to others only", name, options_.endpoint, what));
  }
  if (head.status == 404) {
    return fail(ErrorCode::not_found,
                fmt::format("{}: {} has no {}", name, options_.endpoint, what));
  }
  if (head.status == 429) {
    return fail(ErrorCode::resource_exhausted,
                fmt::format("{}: {} is asked too often; try again in some minutes{}", name,
                            options_.endpoint, known ? "" : ", or set HF_TOKEN"));
  }
  return fail(ErrorCode::unavailable,
              fmt::format("{}: {} answered {} for {}", name, options_.endpoint, head.status, what));
}

Result<Repository> Hub::look_up(const std::string& name, const std::string& revision,
                                const std::stop_token& stop) {
  std::string answer;
  const net::DownloadSink sink{
      .begin = [](const net::DownloadHead&) { return Result<void>(); },
      .take = [&](std::span<const std::uint8_t> bytes) -> Result<void> {
        if (bytes.size() > kAnswerBytesMax - answer.size())
          return fail(ErrorCode::data_loss, fmt::format("{}: the hub's answer has no end", name));
        answer.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
      }};
  const net::DownloadRequest request{.url = fmt::format("{}/api/models/{}/revision/{}?blobs=true",
                                                        options_.endpoint, name, escaped(revision)),
                                     .token = options_.token,
                                     .stop = stop};
  const net::DownloadHead head = TRY(downloader_.get(request, sink));
  if (head.status != 200) return refusal(head, name, fmt::format("revision \"{}\"", revision));
  return parse_repository(name, answer);
}

Result<void> Hub::fetch(const Repository& repository, const HubFile& file, std::uint64_t from,
                        const Sink& sink, const std::stop_token& stop) {
  const auto begin = [&](const net::DownloadHead& head) -> Result<void> {
    const std::string_view tag = bare_tag(head.field("x-linked-etag"));
    if (!tag.empty() && !file.sha256.empty() && tag != file.sha256)
      return fail(
          ErrorCode::aborted,
          fmt::format("{}: the hub has put another file into its place; begin again", file.path));
    if (head.status == 200) return sink.start(0);
    const auto first = first_byte(head.field("content-range"), file.size_bytes);
    if (first && *first == from) return sink.start(from);
    return fail(ErrorCode::aborted, fmt::format("{}: other bytes came than were asked for: \"{}\"",
                                                file.path, head.field("content-range")));
  };
  const net::DownloadRequest request{
      .url = fmt::format("{}/{}/resolve/{}/{}", options_.endpoint, repository.name,
                         repository.commit, escaped(file.path, "/")),
      .token = options_.token,
      .from = from,
      .stop = stop};
  const net::DownloadHead head = TRY(downloader_.get(request, {.begin = begin, .take = sink.take}));
  if (head.status == 200 || head.status == 206) return {};
  return refusal(head, repository.name, file.path);
}

}  // namespace imagined::hub
