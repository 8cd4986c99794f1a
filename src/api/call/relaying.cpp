#include "api/call/relaying.h"

#include <fmt/core.h>

#include <optional>
#include <utility>
#include <vector>

#include "api/wire/relayed.h"
#include "base/crypto.h"

namespace imagined::api {
namespace {

constexpr std::string_view kOwnFiles = "file_";
constexpr std::size_t kInlinedBytesMax = 32u << 20;  // of one request, in base64

std::string_view mime_type_of(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (bytes.starts_with("\x89PNG")) return "image/png";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(8).starts_with("WEBP")) return "image/webp";
  return "application/octet-stream";
}

class Inlining {
 public:
  Inlining(const CallContext& context, const Call& call, const OwnNames& names)
      : context_(context), call_(call), names_(names) {}

  Result<std::string> run(std::string body) {
    std::vector<wire::Replacement> replacements;
    for (const wire::JsonString& each : wire::strings_of(body)) TRY(look(body, each, replacements));
    return replacements.empty() ? std::move(body) : wire::replaced(body, replacements);
  }

 private:
  Result<void> look(std::string_view body, const wire::JsonString& each,
                    std::vector<wire::Replacement>& replacements) {
    const std::string_view name = each.name.of(body);
    const bool is_url = (name == "\"url\"" && each.in == "image_url") || name == "\"image_url\"";
    if (name != "\"file_id\"" && !is_url) return {};
    const std::string text = wire::unquoted(each.value.of(body));
    if (is_url) {
      const auto id = own_picture(text);
      if (!id) return {};
      const auto file = TRY(context_.services.images.read_picture(*call_.caller, *id));
      std::string url_of_bytes = TRY(data_url(file.bytes));
      replacements.push_back({each.value, std::move(url_of_bytes)});
    } else if (text.starts_with(kOwnFiles)) {
      const auto bytes = TRY(context_.services.files.content(*call_.caller, text));
      std::string url_of_bytes = TRY(data_url(bytes));
      replacements.push_back({each.name, each.in == "image_url" ? "\"url\"" : "\"image_url\""});
      replacements.push_back({each.value, std::move(url_of_bytes)});
    }
    return {};
  }

  std::optional<std::string> own_picture(const std::string& url) const {
    const auto own = own_target(url, names_);
    if (!own || !own->starts_with(kOwnPictures)) return std::nullopt;
    const std::string_view rest = own->substr(kOwnPictures.size());
    return std::string(rest.substr(0, rest.find_first_of(".?#")));
  }

  Result<std::string> data_url(std::span<const std::uint8_t> bytes) {
    inlined_ += base64_size(bytes.size());
    if (inlined_ > kInlinedBytesMax)
      return fail(ErrorCode::payload_too_large,
                  fmt::format("the pictures that are kept here have more than {} bytes together",
                              kInlinedBytesMax));
    const std::string_view start(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::string url = fmt::format("\"data:{};base64,", mime_type_of(start));
    url.reserve(url.size() + base64_size(bytes.size()) + 1);
    append_base64(bytes, url);
    return url + '"';
  }

  const CallContext& context_;
  const Call& call_;
  const OwnNames& names_;
  std::size_t inlined_ = 0;
};

}  // namespace

bool may_have_own_pictures(std::string_view body) {
  return body.find("files") != std::string::npos || body.find("\"file_id\"") != std::string::npos;
}

Result<std::string> with_own_pictures(const CallContext& context, const Call& call,
                                      std::string body, const OwnNames& names) {
  if (!may_have_own_pictures(body)) return body;
  return Inlining(context, call, names).run(std::move(body));
}

}  // namespace imagined::api
