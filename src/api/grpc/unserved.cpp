// What xAI's gRPC API has and this server does not: a sentence instead of an empty status.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "api/grpc/services.h"

namespace imagined::api {
namespace {

struct UnservedService {
  std::string_view prefix;
  std::string_view instead;
};
constexpr UnservedService kKnown[] = {
    {"/xai_api.Chat/",
     "conversations are answered at once and not kept; use GetCompletion or GetCompletionChunk"},
    {"/xai_api.Sample/", "this server makes pictures and does not write texts; use xai_api.Image"},
    {"/xai_api.BatchMgmt/", "batches are not offered here; ask for pictures one request at a time"},
    {"/xai_api.Tokenize/", "prompts are counted by the reply's usage here; there is no tokenizer"},
    {"/xai_api.Embedder/", "this server makes pictures and no embeddings"},
    {"/xai_api.Documents/", "this server keeps no documents"},
};

constexpr UnservedService kUnknown = {"unknown", "no such method here"};

const UnservedService& find(std::string_view method) {
  const auto* known = std::ranges::find_if(
      kKnown, [&](const UnservedService& each) { return method.starts_with(each.prefix); });
  return known == std::end(kKnown) ? kUnknown : *known;
}

// In the log and the metrics under the name of its service: no client makes them grow.
class Refusing final : public grpc::ServerGenericBidiReactor {
 public:
  Refusing(const GrpcContext& context, grpc::GenericCallbackServerContext& wire)
      : context_(context), call_(context, wire, find(wire.method()).prefix) {
    const Result<void> refused =
        fail(ErrorCode::unimplemented,
             fmt::format("{} is not offered: {}", std::string_view(wire.method()).substr(0, 128),
                         find(wire.method()).instead));
    const grpc::Status status = finish(context_, call_, refused);
    context_.untaken.add(call_, std::chrono::steady_clock::now());
    Finish(status);
  }
  void OnDone() override {
    context_.untaken.taken(call_);
    delete this;
  }

 private:
  const GrpcContext& context_;
  GrpcCall call_;
};

class Unserved final : public grpc::CallbackGenericService {
 public:
  explicit Unserved(const GrpcContext& context) : context_(context) {}

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* wire) override {
    return new Refusing(context_, *wire);
  }

  const GrpcContext& context_;
};

}  // namespace

std::unique_ptr<grpc::CallbackGenericService> make_unserved_service(GrpcLoop loop) {
  return std::make_unique<Unserved>(loop.context);
}

}  // namespace imagined::api
