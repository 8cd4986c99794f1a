#include "service/catalogue/catalogue.h"

#include <gtest/gtest.h>

namespace imagined::service {
namespace {

std::vector<Model> two_models() {
  return {{.id = "grok-imagine-image", .aliases = {"grok-imagine-image-latest"}},
          {.id = "grok-imagine-image-quality", .aliases = {}}};
}

Catalogue two_model_catalogue() {
  return *Catalogue::make(two_models(), legacy_names("grok-imagine-image"));
}

TEST(Catalogue, FindsByIdAndByAlias) {
  const Catalogue catalogue = two_model_catalogue();
  ASSERT_NE(catalogue.find("grok-imagine-image-latest"), nullptr);
  EXPECT_EQ(catalogue.find("grok-imagine-image-latest"), catalogue.find("grok-imagine-image"));
}

TEST(Catalogue, IsExactAboutCaseAndSpaces) {
  const Catalogue catalogue = two_model_catalogue();
  for (const char* name : {"Grok-Imagine-Image", "grok-imagine-image ", "", "../x"})
    EXPECT_EQ(catalogue.find(name), nullptr) << name;
}

TEST(Catalogue, TakesTheFirstModelAsDefault) {
  EXPECT_EQ(two_model_catalogue().default_model().id, "grok-imagine-image");
}

TEST(Catalogue, TakesAModelForVideosAsDefaultOnlyWhereThereIsNoOther) {
  std::vector<Model> models = two_models();
  models[0].makes = Makes::videos;
  EXPECT_EQ(Catalogue::make(models, {})->default_model().id, "grok-imagine-image-quality");
  models[1].makes = Makes::videos;
  EXPECT_EQ(Catalogue::make(models, {})->default_model().id, "grok-imagine-image");
}

TEST(Catalogue, NamesWhatItServesWhenAModelIsUnknown) {
  const auto model = two_model_catalogue().resolve("dall-e-3");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::not_found);
  EXPECT_EQ(model.error().field, "model");
  EXPECT_EQ(model.error().message,
            "the model \"dall-e-3\" does not exist; this server has grok-imagine-image, "
            "grok-imagine-image-quality");
}

TEST(Catalogue, NamesTheModelThatWasMeant) {
  EXPECT_EQ(two_model_catalogue().resolve("grok-imagin-image").error().message,
            "the model \"grok-imagin-image\" does not exist; this server has grok-imagine-image, "
            "grok-imagine-image-quality; did you mean \"grok-imagine-image\"?");
}

TEST(Catalogue, NamesTheReplacementOfLegacyFluxNames) {
  for (const char* name : {"flux-1.1", "flux-1.1-pro", "flux-1.1-pro-ultra"}) {
    const auto model = two_model_catalogue().resolve(name);
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::not_found);
    EXPECT_NE(model.error().message.find("deprecated"), std::string::npos);
    EXPECT_NE(model.error().message.find("use \"grok-imagine-image\" instead"), std::string::npos);
  }
}

TEST(Catalogue, SaysWhereAModelThatTalksIsAskedAndWhatMakesItsPictures) {
  const auto catalogue = *Catalogue::make(
      two_models(), {},
      {{.name = "far", .makes = ""}, {.name = "pair", .makes = "grok-imagine-image"}});
  EXPECT_EQ(catalogue.resolve("far").error().message,
            "the model \"far\" talks and is asked at /v1/chat/completions or /v1/responses");
  EXPECT_TRUE(catalogue.resolve("pair").error().message.ends_with(
      "; its pictures are made by \"grok-imagine-image\", which may be asked for here"));
}

TEST(Catalogue, KnowsTheIdsOfAllThatIsOffered) {
  const auto catalogue =
      *Catalogue::make(two_models(), {}, {{.name = "far"}, {.name = "grok-imagine-image"}});
  EXPECT_EQ(catalogue.id_of("far"), "far");
  EXPECT_EQ(catalogue.id_of("grok-imagine-image-latest"), "grok-imagine-image");
  EXPECT_EQ(catalogue.talkers().size(), 1u) << "a name that makes pictures is never asked to talk";
  EXPECT_EQ(catalogue.id_of("fa").error().message,
            "the model \"fa\" does not exist; this server has grok-imagine-image, "
            "grok-imagine-image-quality, far; did you mean \"far\"?");
}

TEST(Catalogue, ServesALegacyNameThatIsMappedByConfiguration) {
  auto models = two_models();
  models[1].aliases.push_back("flux-1.1-pro");
  const auto catalogue = Catalogue::make(models, legacy_names("grok-imagine-image"));
  ASSERT_TRUE(catalogue);
  EXPECT_EQ((*catalogue->resolve("flux-1.1-pro"))->id, "grok-imagine-image-quality");
  EXPECT_FALSE(catalogue->deprecated("flux-1.1-pro"));
}

TEST(Catalogue, RefusesNamesThatAreTooLongToEcho) {
  const auto model = two_model_catalogue().resolve(std::string(10'000, 'x'));
  EXPECT_EQ(model.error().code, ErrorCode::invalid_argument);
  EXPECT_LT(model.error().message.size(), 100u);
}

TEST(Catalogue, RefusesDoubledNamesAcrossModels) {
  auto models = two_models();
  models[1].aliases.push_back("grok-imagine-image-latest");
  const auto catalogue = Catalogue::make(models, {});
  ASSERT_FALSE(catalogue);
  EXPECT_EQ(catalogue.error().message,
            "two models are named \"grok-imagine-image-latest\"; it may be one of the other names "
            "(aliases) of one of them");
}

TEST(Catalogue, RefusesARetiredNameWithoutAServedReplacement) {
  EXPECT_FALSE(Catalogue::make(two_models(), legacy_names("nothing")));
}

TEST(Catalogue, RefusesNamesWithSpaces) {
  for (const char* name : {"", "a b", "a\n", "caf\xC3\xA9"})
    EXPECT_FALSE(Catalogue::make({{.id = name}}, {})) << name;
}

TEST(Catalogue, RefusesToBeEmpty) { EXPECT_FALSE(Catalogue::make({}, {})); }

}  // namespace
}  // namespace imagined::service
