#include "api/http/conversation_reply.h"

#include <utility>

#include "api/call/job_wait.h"
#include "api/http/picture_reply.h"
#include "api/http/picture_stream.h"
#include "base/crypto.h"

namespace imagined::api {
namespace {

using service::FinishedPictures;

std::size_t reply_bytes(const FinishedPictures& made, const wire::PictureAnswer& answer) {
  std::size_t bytes = wire::kImagesBodyBytes;
  for (const service::StoredPicture& picture : made.pictures) {
    bytes += wire::kImageEntryBytes;
    if (answer.wants_files())
      bytes += answer.copies_kept() * base64_size(static_cast<std::size_t>(picture.size_bytes));
  }
  return bytes;
}

/// Tells the answer of each picture; blocks on the stores.
Result<std::string> make_body(const Context& context, const Exchange& exchange,
                              const FinishedPictures& made, const wire::GenerationCall& call,
                              wire::ConversationAnswer& answer) {
  const std::string base = base_url(context.options, exchange);
  const wire::Usage usage = usage_of(call.request.warnings, made);
  for (const service::StoredPicture& picture : made.pictures) {
    service::PictureFile file;
    if (answer.wants_files())
      file = TRY(context.services.images.read_picture(*exchange.caller, picture.id));
    const wire::EventPicture told{.index = picture.index,
                                  .width = picture.width,
                                  .height = picture.height,
                                  .format = picture.format,
                                  .file = file.bytes};
    const bool with_link = call.response_format != wire::ResponseFormat::b64_json;
    answer.picture(told, with_link ? context.services.links.url_of(picture, base) : "", usage);
  }
  answer.end(usage);
  return answer.whole(usage);
}

}  // namespace

Async<Result<Response>> reply_in_conversation(const Context& context, Exchange& exchange,
                                              const service::Order& order,
                                              const wire::GenerationCall& call,
                                              std::unique_ptr<wire::ConversationAnswer> answer) {
  exchange.job_id = order.job.id;
  if (call.stream) co_return stream_pictures(context, exchange, order, call, std::move(answer));
  auto made = co_await finished(context, exchange, order);
  if (!made) co_return tl::unexpected(std::move(made.error()));
  auto held = co_await context.budget.take(reply_bytes(*made, *answer), context.limits.held_wait,
                                           exchange.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  auto body = co_await on_pool(context.pool,
                               [&] { return make_body(context, exchange, *made, call, *answer); });
  if (!body) co_return tl::unexpected(std::move(body.error()));
  Response response = json_reply(std::move(*body));
  response.held = std::move(*held);
  context.services.outcomes.pictures(std::ssize(made->pictures));
  context.services.outcomes.cache(order.cache);
  add_warnings(usage_of(call.request.warnings, *made).warnings, response);
  response.headers.add("x-cache", std::string(service::to_string(order.cache)));
  co_return response;
}

}  // namespace imagined::api
