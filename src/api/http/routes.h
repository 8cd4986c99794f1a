// The handlers, one file per resource in routes/; a new one is declared here and gets one line in
// routes.cpp.
#pragma once

#include "api/http/exchange.h"

namespace imagined::api {

Async<Result<Response>> create_images(const Context& context, Exchange& exchange);
Async<Result<Response>> show_pictures(const Context& context, Exchange& exchange);
std::unique_ptr<BodySink> take_edit(const Context& context, Exchange& exchange);
Async<Result<Response>> edit_images(const Context& context, Exchange& exchange);
std::unique_ptr<BodySink> take_video(const Context& context, Exchange& exchange);
std::unique_ptr<BodySink> take_video_extension(const Context& context, Exchange& exchange);
std::unique_ptr<BodySink> take_video_edit(const Context& context, Exchange& exchange);
Async<Result<Response>> create_video(const Context& context, Exchange& exchange);
Async<Result<Response>> show_video(const Context& context, Exchange& exchange);
Async<Result<Response>> cancel_video(const Context& context, Exchange& exchange);
Async<Result<Response>> complete_chat(const Context& context, Exchange& exchange);
Async<Result<Response>> create_response(const Context& context, Exchange& exchange);
std::unique_ptr<BodySink> take_file(const Context& context, Exchange& exchange);
Async<Result<Response>> create_file(const Context& context, Exchange& exchange);
Async<Result<Response>> list_files(const Context& context, Exchange& exchange);
Async<Result<Response>> show_file(const Context& context, Exchange& exchange);
Async<Result<Response>> send_file(const Context& context, Exchange& exchange);
Async<Result<Response>> delete_file(const Context& context, Exchange& exchange);
Async<Result<Response>> publish_file(const Context& context, Exchange& exchange);
Async<Result<Response>> revoke_file(const Context& context, Exchange& exchange);
Async<Result<Response>> send_public_file(const Context& context, Exchange& exchange);
Async<Result<Response>> list_models(const Context& context, Exchange& exchange);
Async<Result<Response>> show_model(const Context& context, Exchange& exchange);
Async<Result<Response>> list_language_models(const Context& context, Exchange& exchange);
Async<Result<Response>> show_language_model(const Context& context, Exchange& exchange);
Async<Result<Response>> list_image_models(const Context& context, Exchange& exchange);
Async<Result<Response>> list_video_models(const Context& context, Exchange& exchange);
Async<Result<Response>> show_video_model(const Context& context, Exchange& exchange);
Async<Result<Response>> show_image_model(const Context& context, Exchange& exchange);
Async<Result<Response>> show_key(const Context& context, Exchange& exchange);
Async<Result<Response>> show_me(const Context& context, Exchange& exchange);
Async<Result<Response>> list_keys(const Context& context, Exchange& exchange);
Async<Result<Response>> create_key(const Context& context, Exchange& exchange);
Async<Result<Response>> change_key(const Context& context, Exchange& exchange);
Async<Result<Response>> rotate_key(const Context& context, Exchange& exchange);
Async<Result<Response>> delete_key(const Context& context, Exchange& exchange);
Async<Result<Response>> show_capacity(const Context& context, Exchange& exchange);
Async<Result<Response>> ask_capacity(const Context& context, Exchange& exchange);
Async<Result<Response>> ask_capacity_for(const Context& context, Exchange& exchange);
Async<Result<Response>> grant_capacity(const Context& context, Exchange& exchange);
Async<Result<Response>> deny_capacity(const Context& context, Exchange& exchange);
Async<Result<Response>> claim_first_owner(const Context& context, Exchange& exchange);
Async<Result<Response>> sign_in(const Context& context, Exchange& exchange);
Async<Result<Response>> show_session(const Context& context, Exchange& exchange);
Async<Result<Response>> sign_out(const Context& context, Exchange& exchange);
Async<Result<Response>> set_password(const Context& context, Exchange& exchange);
Async<Result<Response>> list_team_models(const Context& context, Exchange& exchange);
Async<Result<Response>> list_team_endpoints(const Context& context, Exchange& exchange);
Async<Result<Response>> show_propagation(const Context& context, Exchange& exchange);
Async<Result<Response>> show_spending_limits(const Context& context, Exchange& exchange);
Async<Result<Response>> set_spending_limit(const Context& context, Exchange& exchange);
Async<Result<Response>> analyse_usage(const Context& context, Exchange& exchange);
Async<Result<Response>> list_embedding_models(const Context& context, Exchange& exchange);
Async<Result<Response>> validate_management_key(const Context& context, Exchange& exchange);
Async<Result<Response>> list_people(const Context& context, Exchange& exchange);
Async<Result<Response>> add_person(const Context& context, Exchange& exchange);
Async<Result<Response>> list_audit_events(const Context& context, Exchange& exchange);
Async<Result<Response>> list_made_pictures(const Context& context, Exchange& exchange);
Async<Result<Response>> delete_picture(const Context& context, Exchange& exchange);
Async<Result<Response>> revoke_links(const Context& context, Exchange& exchange);
Async<Result<Response>> list_jobs(const Context& context, Exchange& exchange);
Async<Result<Response>> list_blocked(const Context& context, Exchange& exchange);
Async<Result<Response>> list_refusals(const Context& context, Exchange& exchange);
Async<Result<Response>> show_work(const Context& context, Exchange& exchange);
Async<Result<Response>> show_budgets(const Context& context, Exchange& exchange);
Async<Result<Response>> show_usage(const Context& context, Exchange& exchange);
Async<Result<Response>> fetch_picture(const Context& context, Exchange& exchange);
Async<Result<Response>> send_openapi(const Context& context, Exchange& exchange);
Async<Result<Response>> send_docs(const Context& context, Exchange& exchange);
Async<Result<Response>> send_console(const Context& context, Exchange& exchange);
Async<Result<Response>> send_console_file(const Context& context, Exchange& exchange);
Async<Result<Response>> show_metrics(const Context& context, Exchange& exchange);
Async<Result<Response>> say_alive(const Context& context, Exchange& exchange);
Async<Result<Response>> say_ready(const Context& context, Exchange& exchange);

/// The reply whose body is what `work()` gives, which blocks.
template <class Work>
Async<Result<Response>> reply_with(const Context& context, Work work) {
  auto body = co_await on_pool(context.pool, std::move(work));
  if (!body) co_return tl::unexpected(std::move(body.error()));
  co_return json_reply(std::move(*body));
}

}  // namespace imagined::api
