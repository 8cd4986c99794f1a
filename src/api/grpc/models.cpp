// xai_api.Models: what is offered.
#include <fmt/format.h>

#include <xai/api/v1/models.grpc.pb.h>
#include "api/call/talkers.h"
#include "api/grpc/services.h"
#include "api/grpc/times.h"
#include "api/wire/replies.h"

namespace imagined::api {
namespace {

using google::protobuf::Empty;

Result<void> may_see_models(const GrpcCall& call) {
  return require(*call.caller, service::Scope::models);
}

void fill(const GrpcContext& context, const service::Model& model,
          xai_api::ImageGenerationModel& out) {
  out.set_name(model.id);
  out.set_version("1.0");
  out.add_input_modalities(xai_api::TEXT);
  const auto report = context.services.workers.report(model.id);
  if (report && report->abilities && report->abilities->references_max > 0)
    out.add_input_modalities(xai_api::IMAGE);
  out.add_output_modalities(xai_api::IMAGE);
  set_time(model.created_unix_s * 1000, *out.mutable_created());
  out.set_max_prompt_length(model.max_prompt_length);
  out.set_system_fingerprint(service::fingerprint(model));
  for (const std::string& alias : model.aliases) out.add_aliases(alias);
  out.set_image_price(model.price_usd_ticks);
}

Async<Result<void>> list_image_models(const GrpcContext& context, GrpcCall& call, const Empty&,
                                      xai_api::ListImageGenerationModelsResponse& reply) {
  auto may = may_see_models(call);
  if (!may) co_return may;
  const Services& services = context.services;
  for (const service::Model& model : services.catalogue.models())
    if (wire::makes_pictures({model, services.workers})) fill(context, model, *reply.add_models());
  co_return Result<void>();
}

Async<Result<void>> get_image_model(const GrpcContext& context, GrpcCall& call,
                                    const xai_api::GetModelRequest& request,
                                    xai_api::ImageGenerationModel& reply) {
  auto may = may_see_models(call);
  if (!may) co_return may;
  const auto model = context.services.catalogue.resolve(request.name());
  if (!model) co_return tl::unexpected(model.error());
  auto makes = wire::check_makes_pictures({**model, context.services.workers});
  if (!makes) co_return makes;
  fill(context, **model, reply);
  co_return Result<void>();
}

/// None: no other server is named.
const service::Upstreams* upstreams_of(const GrpcContext& context) {
  return context.services.relay == nullptr ? nullptr : &context.services.relay->upstreams();
}

void fill(const wire::OfferedTalker& talker, xai_api::LanguageModel& out) {
  const service::Upstream& upstream = talker.upstream;
  out.set_name(std::string(talker.name));
  out.add_input_modalities(xai_api::TEXT);
  if (wire::takes_pictures(talker)) out.add_input_modalities(xai_api::IMAGE);
  out.add_output_modalities(xai_api::TEXT);
  if (talker.makes) out.add_output_modalities(xai_api::IMAGE);
  out.set_prompt_text_token_price(wire::token_price(upstream.price_input_usd_ticks));
  out.set_completion_text_token_price(wire::token_price(upstream.price_output_usd_ticks));
}

Async<Result<void>> list_language_models(const GrpcContext& context, GrpcCall& call, const Empty&,
                                         xai_api::ListLanguageModelsResponse& reply) {
  auto may = may_see_models(call);
  if (!may) co_return may;
  const Services& services = context.services;
  for (const wire::OfferedTalker& talker :
       wire::all_talkers(services.catalogue, services.workers, upstreams_of(context)))
    fill(talker, *reply.add_models());
  co_return Result<void>();
}

Async<Result<void>> get_language_model(const GrpcContext& context, GrpcCall& call,
                                       const xai_api::GetModelRequest& request,
                                       xai_api::LanguageModel& reply) {
  auto may = may_see_models(call);
  if (!may) co_return may;
  const Services& services = context.services;
  const auto talker = wire::find_talker(request.name(), services.catalogue, services.workers,
                                        upstreams_of(context));
  if (!talker) co_return tl::unexpected(no_talker(services.catalogue, request.name()));
  fill(*talker, reply);
  co_return Result<void>();
}

template <class Reply>
Async<Result<void>> list_none(const GrpcContext&, GrpcCall& call, const Empty&, Reply&) {
  co_return may_see_models(call);
}

template <class Reply>
Async<Result<void>> get_none(const GrpcContext&, GrpcCall& call,
                             const xai_api::GetModelRequest& request, Reply&) {
  auto may = may_see_models(call);
  if (!may) co_return may;
  co_return fail(ErrorCode::not_found,
                 fmt::format("no such model here: {:?}; this server has no embeddings",
                             std::string_view(request.name()).substr(0, 256)),
                 "name");
}

// Messages come as they are sent, and are read behind the door.
using ModelsMethods = xai_api::Models::WithRawCallbackMethod_GetEmbeddingModel<
    xai_api::Models::WithRawCallbackMethod_GetLanguageModel<
        xai_api::Models::WithRawCallbackMethod_ListEmbeddingModels<
            xai_api::Models::WithRawCallbackMethod_ListLanguageModels<
                xai_api::Models::WithRawCallbackMethod_GetImageGenerationModel<
                    xai_api::Models::WithRawCallbackMethod_ListImageGenerationModels<
                        xai_api::Models::Service>>>>>>;

class ModelsFace final : public ModelsMethods {
 public:
  explicit ModelsFace(GrpcLoop loop) : loop_(loop) {}

  grpc::ServerUnaryReactor* ListImageGenerationModels(grpc::CallbackServerContext* wire,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Models/ListImageGenerationModels", *request, *reply,
                  list_image_models);
  }
  grpc::ServerUnaryReactor* GetImageGenerationModel(grpc::CallbackServerContext* wire,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Models/GetImageGenerationModel", *request, *reply,
                  get_image_model);
  }
  grpc::ServerUnaryReactor* ListLanguageModels(grpc::CallbackServerContext* wire,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Models/ListLanguageModels", *request, *reply,
                  list_language_models);
  }
  grpc::ServerUnaryReactor* ListEmbeddingModels(grpc::CallbackServerContext* wire,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Models/ListEmbeddingModels", *request, *reply,
                  list_none<xai_api::ListEmbeddingModelsResponse>);
  }
  grpc::ServerUnaryReactor* GetLanguageModel(grpc::CallbackServerContext* wire,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Models/GetLanguageModel", *request, *reply,
                  get_language_model);
  }
  grpc::ServerUnaryReactor* GetEmbeddingModel(grpc::CallbackServerContext* wire,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Models/GetEmbeddingModel", *request, *reply,
                  get_none<xai_api::EmbeddingModel>);
  }

 private:
  const GrpcLoop loop_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_models_service(GrpcLoop loop) {
  return std::make_unique<ModelsFace>(loop);
}

}  // namespace imagined::api
