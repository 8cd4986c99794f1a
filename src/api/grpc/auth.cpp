// xai_api.Auth: the key that a call comes with.
#include <algorithm>

#include <xai/api/v1/auth.grpc.pb.h>
#include "api/grpc/services.h"
#include "api/grpc/times.h"
#include "api/wire/key_replies.h"

namespace imagined::api {
namespace {

using google::protobuf::Empty;

Async<Result<void>> tell_key(const GrpcContext& context, GrpcCall& call, const Empty&,
                             xai_api::ApiKey& reply) {
  service::KeyService& keys = context.services.keys;
  const std::string& id = call.caller->owner.key_id;
  const auto key = co_await on_pool(context.pool, [&] { return keys.find(id); });
  if (!key) co_return tl::unexpected(key.error());
  reply.set_redacted_api_key(keys.redacted(*key));
  reply.set_name(key->name);
  set_time(key->created_ms, *reply.mutable_create_time());
  reply.set_team_id(key->team_id);
  for (std::string& acl : wire::acls_of(*key)) reply.add_acls(std::move(acl));
  reply.set_api_key_id(key->id);
  set_time(std::max(key->created_ms, key->modified_ms), *reply.mutable_modify_time());
  reply.set_api_key_blocked(wire::is_blocked(*key, context.services.clock.unix_ms()));
  reply.set_modified_by(key->modified_by);
  reply.set_disabled(key->disabled);
  co_return Result<void>();
}

// Messages come as they are sent, and are read behind the door.
using AuthMethods = xai_api::Auth::WithRawCallbackMethod_get_api_key_info<xai_api::Auth::Service>;

class AuthFace final : public AuthMethods {
 public:
  explicit AuthFace(GrpcLoop loop) : loop_(loop) {}

  grpc::ServerUnaryReactor* get_api_key_info(grpc::CallbackServerContext* wire,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Auth/get_api_key_info", *request, *reply, tell_key);
  }

 private:
  const GrpcLoop loop_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_auth_service(GrpcLoop loop) {
  return std::make_unique<AuthFace>(loop);
}

}  // namespace imagined::api
