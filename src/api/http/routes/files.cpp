#include "api/http/routes.h"

namespace imagined::api {

// A picture under a signed link. Nothing but the signature says who may read it.
Async<Result<Response>> fetch_picture(const Context& context, Exchange& exchange) {
  const Services& services = context.services;
  auto id = services.signer.verify(exchange.request.path, exchange.request.query,
                                   services.clock.unix_ms() / 1000);
  if (!id) co_return tl::unexpected(std::move(id.error()));
  auto file = co_await on_pool(context.pool, [&] { return services.images.read_picture(*id); });
  if (!file) co_return tl::unexpected(std::move(file.error()));

  Response response;
  response.body = std::make_shared<const std::vector<std::uint8_t>>(std::move(file->bytes));
  response.headers.add("content-type", file->picture.mime_type);
  response.headers.add("cache-control", "private, max-age=3600");
  response.headers.add("etag", '"' + file->picture.blob + '"');
  // A picture is only ever a picture, whatever its bytes could be taken for.
  response.headers.add("x-content-type-options", "nosniff");
  response.headers.add("content-security-policy", "default-src 'none'; sandbox");
  response.headers.add("cross-origin-resource-policy", "cross-origin");
  co_return response;
}

}  // namespace imagined::api
