#include "api/wire/replies.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::Abilities;

class FakePool final : public service::WorkerPool {
 public:
  std::map<std::string, service::ModelReport, std::less<>> reports;

  bool is_ready() const override { return !reports.empty(); }
  bool accepts(std::string_view model) const override {
    const auto told = report(model);
    return told && told->abilities;
  }
  std::optional<service::ModelReport> report(std::string_view model) const override {
    const auto found = reports.find(model);
    return found == reports.end() ? std::nullopt : std::optional(found->second);
  }
};

class ModelReplies : public testing::Test {
 protected:
  json one(std::string_view id) {
    return json::parse(image_model_body({*catalogue_.find(id), workers_}));
  }

  FakePool workers_;
  service::Catalogue catalogue_ = *service::Catalogue::make(
      {{.id = "a", .steps_max = 12}, {.id = "far", .elsewhere = true}}, {});
};

TEST_F(ModelReplies, SayWhatAModelTakesOnceItsWorkerHasSaidSo) {
  EXPECT_EQ(one("a")["status"], "starting");
  EXPECT_FALSE(one("a").contains("masks"));
  workers_.reports["a"] = {
      .model = "a",
      .abilities = Abilities{
          .references_max = 8, .masks = true, .guidance = service::GuidanceUse::true_passes}};
  const json told = one("a");
  EXPECT_EQ(told["status"], "ready");
  EXPECT_EQ(told["input_modalities"], json({"text", "image"}));
  EXPECT_EQ(told["output_modalities"], json({"image"}));
  EXPECT_EQ(told["max_references"], 8);
  EXPECT_EQ(told["masks"], true);
  EXPECT_EQ(told["guidance"], "true");
  EXPECT_EQ(told["max_steps"], 12);
  workers_.reports["a"].abilities = Abilities{};
  EXPECT_EQ(one("a")["input_modalities"], json({"text"}));
}

TEST_F(ModelReplies, SayThatAModelCouldNotBeLoadedOrIsElsewhere) {
  workers_.reports["a"] = {.model = "a", .abilities = {}};
  EXPECT_EQ(one("a")["status"], "failed");
  EXPECT_EQ(one("far")["status"], "elsewhere");
}

TEST_F(ModelReplies, SayTheSameInBothLists) {
  workers_.reports["a"] = {.model = "a", .abilities = Abilities{.references_max = 1}};
  const json plain = json::parse(models_body(catalogue_, workers_, nullptr))["data"][0];
  const json typed = json::parse(image_models_body(catalogue_, workers_))["models"][0];
  for (const char* name : {"id", "status", "input_modalities", "max_references", "image_price"})
    EXPECT_EQ(plain[name], typed[name]) << name;
}

}  // namespace
}  // namespace imagined::api::wire
