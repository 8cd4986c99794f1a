#include <fmt/format.h>

#include <algorithm>

#include "api/http/partial.h"
#include "api/http/routes.h"
#include "service/videos/video_request.h"

namespace imagined::api {
namespace {

// More than the file of any picture that is made here: 3200 x 1440 pixels that no PNG makes
// smaller.
constexpr std::size_t kFileBytesMax = 16u << 20;
// HTML editors write a link's & as &amp;, which makes other parameters of them; whoever debugs it
// should see what happened.
Error explained(Error error, std::string_view query) {
  if (error.code == ErrorCode::permission_denied && query.find("&amp;") != std::string_view::npos)
    error.message += ": it has &amp; where it had &";
  return error;
}

}  // namespace

// A picture under a signed link. Nothing but the signature says who may read it.
Async<Result<Response>> fetch_picture(const Context& context, Exchange& exchange) {
  const Services& services = context.services;
  auto linked = services.links.open(exchange.request.path, exchange.request.query);
  if (!linked) {
    co_return tl::unexpected(explained(std::move(linked.error()), exchange.request.query));
  }
  const bool is_clip = exchange.request.path.ends_with(".mp4");
  auto held = co_await context.budget.take(is_clip ? service::kClipBytesMax : kFileBytesMax,
                                           context.limits.held_wait, exchange.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  auto file = co_await on_pool(context.pool, [&] { return services.images.read_picture(*linked); });
  if (!file) co_return tl::unexpected(std::move(file.error()));

  held->shrink(file->bytes.size());
  Response response{.held = std::move(*held)};
  response.body = std::make_shared<const std::vector<std::uint8_t>>(std::move(file->bytes));
  response.headers.add("content-type", std::string(mime_type(file->picture.format)));
  response.headers.add("cache-control", "private, max-age=3600");
  response.headers.add("etag", '"' + file->picture.blob + '"');
  // A picture is only ever a picture, whatever its bytes could be taken for.
  response.headers.add("x-content-type-options", "nosniff");
  // A browser's own player of a video that is opened by itself needs what this would forbid.
  response.headers.add("content-security-policy",
                       is_clip ? "sandbox" : "default-src 'none'; sandbox");
  response.headers.add("cross-origin-resource-policy", "cross-origin");
  answer_conditions(exchange.request, response);
  co_return response;
}

}  // namespace imagined::api
