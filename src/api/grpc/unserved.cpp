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
    {"/xai_api.Chat/", "this server makes pictures and does not talk; use xai_api.Image"},
    {"/xai_api.Sample/", "this server makes pictures and does not write texts; use xai_api.Image"},
    {"/xai_api.Video/", "this server does not make videos yet; use xai_api.Image"},
    {"/xai_api.BatchMgmt/", "batches are not offered here; ask for pictures one request at a time"},
    {"/xai_api.Tokenize/", "prompts are counted by the reply's usage here; there is no tokenizer"},
    {"/xai_api.Embedder/", "this server makes pictures and no embeddings"},
    {"/xai_api.Documents/", "this server keeps no documents"},
};

std::string sentence(std::string_view method) {
  const auto* known = std::ranges::find_if(
      kKnown, [&](const UnservedService& each) { return method.starts_with(each.prefix); });
  return fmt::format("{} is not offered: {}", method.substr(0, 128),
                     known == std::end(kKnown) ? "no such method here" : known->instead);
}

class Refusing final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusing(std::string_view method) {
    Finish({grpc::StatusCode::UNIMPLEMENTED, sentence(method)});
  }
  void OnDone() override { delete this; }
};

class Unserved final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* wire) override {
    return new Refusing(wire->method());
  }
};

}  // namespace

std::unique_ptr<grpc::CallbackGenericService> make_unserved_service() {
  return std::make_unique<Unserved>();
}

}  // namespace imagined::api
