#include "config/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <tuple>

#include "base/folder_testing.h"
#include "config/listen_address.h"
#include "config/paths.h"
#include "config/toml_text.h"

namespace imagined::config {
namespace {

class ConfigFile : public ::testing::Test {
 protected:
  std::string write(const std::string& text) { return folder_.write("imagined.toml", text); }

  std::string error_of(const std::string& text) {
    const auto config = load_config({.file = write(text)}, Environment{});
    if (config) return "no error";
    return config.error().message.substr((folder_.path() / "imagined.toml").string().size());
  }

  const TestFolder folder_;
};

TEST_F(ConfigFile, WinsOverADefault) {
  const auto config = load_config({.file = write("queue_limit = 7\n")}, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->settings.queue_limit, 7);
}

TEST_F(ConfigFile, LosesToTheEnvironment) {
  const auto config = load_config({.file = write("queue_limit = 7\n")},
                                  Environment({{"IMAGINED_QUEUE_LIMIT", "8"}}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->settings.queue_limit, 8);
}

TEST_F(ConfigFile, IsFoundByTheEnvironment) {
  const auto config =
      load_config({}, Environment({{"IMAGINED_CONFIG", write("queue_limit = 7\n")}}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->settings.queue_limit, 7);
}

TEST(Config, LetsAFlagWinOverTheEnvironment) {
  const auto config =
      load_config({.values = {{"queue_limit", "9"}}}, Environment({{"IMAGINED_QUEUE_LIMIT", "8"}}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->settings.queue_limit, 9);
  EXPECT_EQ(config->sources.at("queue_limit"), "--queue-limit");
}

TEST_F(ConfigFile, NamesTheLineOfAnUnknownSetting) {
  EXPECT_EQ(error_of("threads = 1\nhttp_lissten = 80\n"),
            ":2: http_lissten: there is no such setting; did you mean \"http_listen\"?");
}

TEST_F(ConfigFile, KnowsASwitchAsTrueAndFalse) {
  const auto config = load_config({.file = write("strict_xai = true\n")}, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->settings.strict_xai);
  EXPECT_NE(to_toml(*config, Remarks::none).find("strict_xai = true\n"), std::string::npos);
  const auto off = load_config({.file = write("strict_xai = true\n")},
                               Environment({{"IMAGINED_STRICT_XAI", "false"}}));
  EXPECT_FALSE(off->settings.strict_xai);
  EXPECT_EQ(error_of("strict_xai = 1\n"), ":1: strict_xai: expected true or false, got 1");
}

TEST_F(ConfigFile, NamesTheLineOfAWrongType) {
  EXPECT_EQ(error_of("queue_limit = \"7\"\n"),
            ":1: queue_limit: expected a whole number from 1 to 1000000, got the text \"7\", write "
            "it without quotes");
  EXPECT_EQ(error_of("log_level = 3\n"),
            ":1: log_level: expected one of debug, info, warn, error, off, got 3, write it in "
            "quotes");
}

TEST_F(ConfigFile, NamesTheLineOfAValueOutOfRange) {
  EXPECT_EQ(error_of("\nthreads = 1025\n"),
            ":2: threads: expected a whole number from 0 to 1024, got \"1025\"");
}

TEST_F(ConfigFile, TellsAllItsFaultsAtOnce) {
  const auto config =
      load_config({.file = write("threads = -1\nqueue_limt = 3\n[models.a]\nsteps = 0\n"),
                   .assignments = {"models.a.pth=x"}},
                  {{"IMAGINED_DRAIN_S", "soon"}});
  ASSERT_FALSE(config);
  const std::string& message = config.error().message;
  for (const char* part : {":1: threads", ":2: queue_limt", ":4: models.a: steps",
                           "IMAGINED_DRAIN_S", "--set models.a.pth=x"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
  }
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 4);
}

TEST_F(ConfigFile, MeansItsFoldersFromWhereItIs) {
  const auto config = load_config({.file = write("data_dir = \"state\"\n")}, {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->settings.data_dir, folder_.path() / "state");
}

TEST_F(ConfigFile, WarnsWhenItTakesABuiltInNameAway) {
  const auto config = load_config({.file = write("[models.grok-imagine-image]\nsteps = 8\n")}, {});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->warnings.size(), 1u);
  EXPECT_NE(config->warnings[0].find("grok-imagine-image-quality, grok-imagine-video, "
                                     "grok-imagine-video-1.5 are not served"),
            std::string::npos);
  const auto own = load_config({.file = write("[models.mine]\npath = \"x\"\n")}, {});
  EXPECT_TRUE(own->warnings.empty());
}

TEST_F(ConfigFile, WarnsOfAModelThatSellsSecondsAndGivesPicturesAway) {
  const auto warnings = [&](const std::string& more) {
    const auto config = load_config(
        {.file = write("[models.clips]\npath = \"x\"\nprice_second_usd = \"0.05\"\n" + more)}, {});
    return config ? config->warnings : std::vector<std::string>{config.error().message};
  };
  ASSERT_EQ(warnings("").size(), 1u);
  EXPECT_NE(warnings("")[0].find("models.clips: has a price for a second"), std::string::npos);
  EXPECT_TRUE(warnings("price_usd = \"0.02\"\n").empty());
}

TEST(Config, IsFoundInTheUsersFolder) {
  const TestFolder home;
  const auto file = home.write(".config/imagined/imagined.toml", "queue_limit = 7\n");
  const auto config = load_config({}, {{"HOME", home.path()}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->settings.queue_limit, 7);
  EXPECT_EQ(config->file, file);
}

TEST(Config, WarnsOfAVariableThatIsNoSetting) {
  const auto config = load_config({}, {{"IMAGINED_THREAD", "2"}, {"IMAGINED_THREADS", "2"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->warnings, std::vector<std::string>{"IMAGINED_THREAD: there is no such setting; "
                                                       "did you mean \"IMAGINED_THREADS\"?"});
}

TEST(ResolvePaths, GiveAUserOneDataFolderWhateverTheWorkingFolder) {
  Config config;
  ASSERT_TRUE(resolve_paths({{"HOME", "/home/me"}}, {}, config));
  EXPECT_EQ(config.settings.data_dir, "/home/me/.local/share/imagined");
  config = {};
  ASSERT_TRUE(resolve_paths({{"HOME", "/home/me"}, {"XDG_DATA_HOME", "/d"}}, {}, config));
  EXPECT_EQ(config.settings.data_dir, "/d/imagined");
  config = {};
  const auto nowhere = resolve_paths({}, {}, config);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().field, "data_dir");
}

TEST(ResolvePaths, GuideTheBuiltInModelWhereItHasManySteps) {
  auto config = load_config({}, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  config->settings.models_dir = "/models";
  config->models.push_back({.name = "mine", .path = "/m", .steps = 16});
  ASSERT_TRUE(resolve_paths({{"HOME", "/home/me"}}, {}, *config));
  EXPECT_EQ(config->models[0].guidance, std::nullopt);
  EXPECT_EQ(config->models[1].guidance, 1.5f);
  EXPECT_EQ(config->models[2].guidance, std::nullopt);
}

TEST_F(ConfigFile, FollowsTheStepsWithItsGuidanceWhereItIsMadeOfWhatIsShown) {
  const ConfigFlags flags{.values = {{"models_dir", "/models"}}};
  const Environment environment{{"HOME", "/home/me"}};
  auto config = load_config(flags, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(resolve_paths(environment, {}, *config));
  std::string text = to_toml(*config, Remarks::all);
  EXPECT_NE(text.find("\nsteps = 16\n# guidance = 1.5 (the built-in model's from 8 steps on"),
            std::string::npos)
      << text;
  for (const auto& [from, to] :
       {std::pair("steps = 16\n", "steps = 6\n"), std::pair("steps = 4\n", "steps = 20\n")})
    text.replace(text.find(from), std::string_view(from).size(), to);
  auto changed = load_config({.file = write(text)}, Environment{});
  ASSERT_TRUE(changed) << changed.error().message;
  ASSERT_TRUE(resolve_paths(environment, {}, *changed));
  EXPECT_EQ(changed->models[0].guidance, 1.5f);
  EXPECT_EQ(changed->models[1].guidance, std::nullopt);
}

TEST_F(ConfigFile, ShowsAGuidanceThatWasGivenAsAValue) {
  auto config = load_config(
      {.file = write("[models.grok-imagine-image-quality]\nguidance = 1.5\n")}, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  config->settings.models_dir = "/models";
  ASSERT_TRUE(resolve_paths({{"HOME", "/home/me"}}, {}, *config));
  EXPECT_NE(to_toml(*config, Remarks::all).find("\nguidance = 1.5\n"), std::string::npos);
}

TEST(Config, TellsAWorkerWhatItsServerHasSettled) {
  auto config = load_config({.values = {{"models_dir", "/models"}}}, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(resolve_paths({{"HOME", "/home/me"}}, {}, *config));
  const std::string text = to_toml(*config, Remarks::none);
  EXPECT_NE(text.find("\npath = '/models/paperland'\nmakes = \"pictures\"\nsteps = 16\n"
                      "guidance = 1.5\n"),
            std::string::npos)
      << text;
}

TEST(ExampleToml, ShowsTheGuidanceOfTheBuiltInModelAsTheConfigurationDoes) {
  auto config = load_config({.values = {{"models_dir", "/models"}}}, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(resolve_paths({{"HOME", "/home/me"}}, {}, *config));
  const std::string shown = to_toml(*config, Remarks::all);
  const auto begin = shown.find("# guidance");
  const std::string line = shown.substr(begin, shown.find('\n', begin) - begin);
  EXPECT_NE(example_toml().find("\n# steps = 16\n# " + line + "\n"), std::string::npos) << line;
}

TEST_F(ConfigFile, NamesTheLineOfBrokenToml) {
  EXPECT_TRUE(error_of("threads = 1\nthreads = 2\n").starts_with(":2:"))
      << error_of("threads = 1\nthreads = 2\n");
}

TEST_F(ConfigFile, RefusesAPriceThatIsAFloat) {
  EXPECT_EQ(error_of("[models.a]\nprice_usd = 0.02\n"),
            ":2: models.a: price_usd: expected a decimal number in quotes, write \"0.02\"");
}

TEST_F(ConfigFile, SaysWhichModelsThereAreInItsOwnOrder) {
  const auto config = load_config(
      {.file = write("[models.zebra]\npath = \"z\"\n[models.grok-imagine-image]\nsteps = 2\n")},
      Environment{});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->models.size(), 2u);
  EXPECT_EQ(config->models[0].name, "zebra");
  EXPECT_EQ(config->models[0].path, folder_.path() / "z");
  EXPECT_EQ(config->models[1].steps, 2);
  EXPECT_EQ(config->models[1].price_usd_ticks, 200'000'000);
}

TEST_F(ConfigFile, ComesBackFromItsOwnText) {
  const auto config = load_config(
      {.file = write("threads = 3\npublic_url = \"https://a.example/\"\n[models.\"m.1\"]\n"
                     "path = \"/tmp/a \\\"b\\\"\"\nguidance = 3\nprice_usd = \"0.0000000001\"\n")},
      Environment{});
  ASSERT_TRUE(config) << config.error().message;
  const std::string text = to_toml(*config, Remarks::all);
  const auto again = load_config({.file = write(text)}, Environment{});
  ASSERT_TRUE(again) << again.error().message << text;
  EXPECT_EQ(to_toml(*again, Remarks::none), to_toml(*config, Remarks::none));
}

TEST_F(ConfigFile, BeginsWithAnExampleThatChangesNothing) {
  const std::string text = example_toml();
  const auto config = load_config({.file = write(text)}, {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(to_toml(*config, Remarks::none), to_toml(*load_config({}, {}), Remarks::none));
  // Without the comment signs it says the same.
  std::string told;
  std::istringstream lines(text.substr(text.find("\n\n")));
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" = ") != std::string::npos || line.starts_with("# ["))
      told += line.substr(2) + "\n";
  }
  const auto same = load_config({.file = write(told)}, {});
  ASSERT_TRUE(same) << same.error().message << told;
  EXPECT_EQ(to_toml(*same, Remarks::none), to_toml(*config, Remarks::none));
}

TEST_F(ConfigFile, NamesOtherServersAndIsWrittenAgain) {
  const std::string text =
      "[upstreams.far]\nbase_url = \"http://127.0.0.1:1/v1/\"\nkey_env = \"FAR_KEY\"\n"
      "ca_file = \"/ca.pem\"\nresponses = false\n"
      "models = [\"a\", \"b=c/d\"]\nprice_input_usd = \"0.5\"\n";
  const auto config = load_config({.file = write(text)}, {});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->upstreams.size(), 1u);
  EXPECT_EQ(config->upstreams[0].base_url, "http://127.0.0.1:1/v1");
  EXPECT_EQ(config->upstreams[0].price_input_usd_ticks, 5'000'000'000);
  EXPECT_EQ(config->upstreams[0].ca_file, "/ca.pem");
  EXPECT_FALSE(config->upstreams[0].has_responses);
  EXPECT_EQ(split_upstream_model(config->upstreams[0].models[1]).there, "c/d");
  EXPECT_EQ(config->models.size(), load_config({}, {})->models.size());
  const std::string written = to_toml(*config, Remarks::none);
  const auto same = load_config({.file = write(written)}, {});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(to_toml(*same, Remarks::none), written);
}

TEST_F(ConfigFile, IsWrittenSoThatTextsOfAllKindsAreReadAgain) {
  const std::string text =
      "[upstreams.'a \\ \"b']\nbase_url = \"http://x/v1\"\nca_file = \"/a\\tb\\n'c\"\n"
      "models = [\"m\"]\n";
  const auto config = load_config({.file = write(text)}, {});
  ASSERT_TRUE(config) << config.error().message;
  const auto same = load_config({.file = write(to_toml(*config, Remarks::none))}, {});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(same->upstreams[0].name, "a \\ \"b");
  EXPECT_EQ(same->upstreams[0].ca_file, "/a\tb\n'c");
}

TEST(Config, SetsOneValueOfAModel) {
  const auto config =
      load_config({.assignments = {"models.grok-imagine-image.steps=7", "models.x.1.path=/weights",
                                   "models.x.1.price_usd=0.5", "models.x.1.aliases=[\"y\"]"}},
                  Environment{});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->models.front().steps, 7);
  const ModelSettings& added = config->models.back();
  EXPECT_EQ(added.name, "x.1");
  EXPECT_EQ(added.path, "/weights");
  EXPECT_EQ(added.price_usd_ticks, 5'000'000'000);
  EXPECT_EQ(added.aliases, std::vector<std::string>{"y"});
}

TEST(Config, NamesThePartsOfAModelAndWhatNoTensorShows) {
  const auto config = load_config(
      {.assignments = {"models.a.path=/m", "models.a.vae=/v/ae.safetensors",
                       "models.a.text_encoder_2=/t5", "models.a.distilled=false",
                       "models.a.cached_references=true", "models.a.precision=\"int8\""}},
      Environment{});
  ASSERT_TRUE(config) << config.error().message;
  const ModelSettings& model = config->models.back();
  EXPECT_EQ(model.parts.at("vae"), "/v/ae.safetensors");
  EXPECT_EQ(model.parts.at("text_encoder_2"), "/t5");
  EXPECT_EQ(model.distilled, false);
  EXPECT_EQ(model.cached_references, true);
  EXPECT_EQ(model.precision, "int8");
  const std::string text = to_toml(*config, Remarks::none);
  EXPECT_NE(text.find("/v/ae.safetensors"), std::string::npos) << text;
  EXPECT_NE(text.find("distilled = false"), std::string::npos) << text;
  EXPECT_NE(text.find("precision = \"int8\""), std::string::npos) << text;
  EXPECT_FALSE(load_config({.assignments = {"models.a.precision=\"int4\""}}, Environment{}));
  EXPECT_FALSE(load_config({.assignments = {"models.a.distilled=\"no\""}}, Environment{}));
  EXPECT_FALSE(load_config({.assignments = {"models.a.elsewhere=1"}}, Environment{}));
  EXPECT_FALSE(load_config({.assignments = {"models.a.vae=\"\""}}, Environment{}));
}

TEST(Config, LaysLorasOnAModel) {
  const auto config = load_config(
      {.assignments = {"models.a.path=/m",
                       "models.a.loras=[{path = \"/l/a\"}, {path = \"/l/b\", scale = -0.5}]"}},
      Environment{});
  ASSERT_TRUE(config) << config.error().message;
  const ModelSettings& model = config->models.back();
  ASSERT_EQ(model.loras.size(), 2u);
  EXPECT_EQ(model.loras[0].path, "/l/a");
  EXPECT_EQ(model.loras[0].scale, 1);
  EXPECT_EQ(model.loras[1].path, "/l/b");
  EXPECT_EQ(model.loras[1].scale, -0.5);
  const std::string text = to_toml(*config, Remarks::none);
  EXPECT_NE(text.find("loras = [{path = '/l/a', scale = 1.0}, {path = '/l/b', scale = -0.5}]"),
            std::string::npos)
      << text;
}

TEST_F(ConfigFile, NamesLorasThatLieBesideIt) {
  const auto config = load_config(
      {.file = write("[models.a]\npath = \"m\"\nloras = [{path = \"style\", scale = 2}]\n")},
      Environment{});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->models.front().loras.size(), 1u);
  EXPECT_EQ(config->models.front().loras[0].path, (folder_.path() / "style").string());
  EXPECT_EQ(config->models.front().loras[0].scale, 2);
}

TEST(Config, NamesWhatIsWrongWithALora) {
  for (const auto& [value, said] :
       {std::pair{"[{scale = 1}]", "path is missing"},
        {"[{path = \"\"}]", "a file"},
        {"[{path = \"a\", scale = \"1\"}]", "a number from -100 to 100"},
        {"[{path = \"a\", weight = 1}]", "no weight"},
        {"[\"a\"]", "path = "},
        {"\"a\"", "path = "}}) {
    const auto config =
        load_config({.assignments = {fmt::format("models.a.loras={}", value)}}, Environment{});
    ASSERT_FALSE(config) << value;
    EXPECT_NE(config.error().message.find(said), std::string::npos) << config.error().message;
  }
}

TEST(Config, ReadsALoraOfTheCommandLine) {
  EXPECT_EQ(parse_lora("a.safetensors").path, "a.safetensors");
  EXPECT_EQ(parse_lora("a.safetensors").scale, 1);
  EXPECT_EQ(parse_lora("c:/a.safetensors:-0.5").path, "c:/a.safetensors");
  EXPECT_EQ(parse_lora("c:/a.safetensors:-0.5").scale, -0.5);
  EXPECT_EQ(parse_lora("c:/a").path, "c:/a");
}

TEST(Config, ARetiredNameStandsForAModelThatMakesPictures) {
  const auto catalogue = make_catalogue(
      std::vector<ModelSettings>{{.name = "clips", .path = "/c", .makes = service::Makes::videos},
                                 {.name = "pictures", .path = "/p"}});
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  EXPECT_EQ(catalogue->deprecated("flux-1.1-pro"), "pictures");
}

TEST(Config, ModelsShareAnEngineWhereTheirWeightsAndChoicesAreTheSame) {
  std::vector<ModelSettings> models = {{.name = "a", .path = "/m"},
                                       {.name = "b", .path = "/m"},
                                       {.name = "c", .path = "/m", .parts = {{"vae", "/v"}}},
                                       {.name = "d", .path = "/m", .distilled = true},
                                       {.name = "e", .path = "/m", .loras = {{"/l", 0.5}}}};
  const auto catalogue = make_catalogue(models);
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  const auto weights = [&](std::size_t i) { return catalogue->models()[i].weights; };
  EXPECT_EQ(weights(0), weights(1));
  EXPECT_NE(weights(0), weights(2));
  EXPECT_NE(weights(0), weights(3));
  EXPECT_NE(weights(0), weights(4));
  EXPECT_NE(weights(2), weights(3));
}

TEST(Config, AsksForNoFilesOfAModelThatIsMadeElsewhere) {
  auto config =
      load_config({.values = {{"data_dir", "/data"}},
                   .assignments = {"models.big.elsewhere=true", "models.grok-imagine-image.path=/m",
                                   "models.grok-imagine-image-quality.path=/m",
                                   "models.grok-imagine-video.path=/m",
                                   "models.grok-imagine-video-1.5.path=/m"}},
                  Environment{});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(resolve_paths(Environment{}, "/nowhere/imagined", *config));
  const auto catalogue = make_catalogue(config->models);
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  EXPECT_TRUE(catalogue->find("big")->elsewhere);
  EXPECT_FALSE(catalogue->find("grok-imagine-image")->elsewhere);
  EXPECT_NE(to_toml(*config, Remarks::none).find("elsewhere = true"), std::string::npos);
}

TEST_F(ConfigFile, ReadsWhichUpstreamsMakeAModelAndWritesItAgain) {
  const std::string text =
      "[upstreams.xai]\nbase_url = \"http://x/v1\"\n[models.own]\npath = \"/m\"\n"
      "[models.far]\nupstreams = [\"xai=there\"]\nmakes = \"videos\"\nmax_references = 3\n";
  const auto config = load_config({.file = write(text)}, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  const auto catalogue = make_catalogue(config->models);
  ASSERT_TRUE(catalogue);
  const service::Model& far = *catalogue->find("far");
  ASSERT_TRUE(far.upstream_abilities);
  EXPECT_TRUE(far.elsewhere);
  EXPECT_FALSE(far.upstream_abilities->pictures);
  EXPECT_EQ(far.upstream_abilities->references_max, 3);
  EXPECT_EQ(far.makes, service::Makes::videos);
  EXPECT_FALSE(catalogue->find("own")->upstream_abilities);
  const auto again = load_config({.file = write(to_toml(*config, Remarks::none))}, Environment{});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_toml(*again, Remarks::none), to_toml(*config, Remarks::none));
}

TEST(Config, WantsOneModelForTheWorkerOfThisMachine) {
  const auto config = load_config({.assignments = {"models.grok-imagine-image.elsewhere=true",
                                                   "models.grok-imagine-image-quality.elsewhere="
                                                   "true",
                                                   "models.grok-imagine-video.elsewhere=true",
                                                   "models.grok-imagine-video-1.5.elsewhere=true"}},
                                  Environment{});
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("every model is made elsewhere"), std::string::npos);
}

TEST(Config, RefusesAnAssignmentToNoModel) {
  for (const char* text : {"steps=1", "models.steps=1", "models.a.steps", "models.a.pth=x"}) {
    EXPECT_FALSE(load_config({.assignments = {text}}, Environment{})) << text;
  }
}

TEST(Config, ServesTheModelsOfTheApiByDefaultEachForPicturesOrVideos) {
  const auto config = load_config({}, Environment{});
  ASSERT_TRUE(config) << config.error().message;
  using service::Makes;
  const std::tuple<std::string, Makes, int> expected[] = {
      {"grok-imagine-image", Makes::pictures, 4},
      {"grok-imagine-image-quality", Makes::pictures, 16},
      {"grok-imagine-video", Makes::videos, 6},
      {"grok-imagine-video-1.5", Makes::videos, 16}};
  ASSERT_EQ(config->models.size(), std::size(expected));
  for (std::size_t i = 0; i < config->models.size(); ++i) {
    const ModelSettings& model = config->models[i];
    EXPECT_TRUE(std::tuple(model.name, model.makes, model.steps) == expected[i]) << model.name;
  }
}

TEST(Settings, HaveADefaultWithinTheirOwnRange) {
  const Settings defaults;
  for (const Setting& setting : all_settings()) {
    Settings copy;
    EXPECT_TRUE(assign(setting, value_text(setting, defaults), copy)) << setting.name;
  }
}

TEST(Price, IsExactToTheTick) {
  EXPECT_EQ(*parse_price("0.02"), 200'000'000);
  EXPECT_EQ(*parse_price("0"), 0);
  EXPECT_EQ(*parse_price("1000"), 10'000'000'000'000);
  EXPECT_EQ(*parse_price("0.0000000001"), 1);
}

TEST(Price, RefusesWhatIsNoAmount) {
  for (const char* text :
       {"", ".5", "1.", "-1", "-0", "1e3", "0.00000000001", "1000.01", "00001", "1,5", " 1"}) {
    EXPECT_FALSE(parse_price(text)) << text;
  }
}

TEST(ListenAddress, TakesIpv4Ipv6AndAllAddresses) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:0")->port, 0);
  EXPECT_EQ(parse_listen_address("[::1]:8080")->host, "::1");
  EXPECT_EQ(parse_listen_address(":80")->host, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("0.0.0.0:80")->host, "0.0.0.0");
  EXPECT_FALSE(parse_listen_address("127.0.0.1"));
  EXPECT_FALSE(parse_listen_address("127.0.0.1:70000"));
  EXPECT_EQ(*parse_grpc_listen("off"), std::nullopt);
  EXPECT_EQ((*parse_grpc_listen(":0"))->host, "127.0.0.1");
  EXPECT_EQ(parse_grpc_listen("on").error().field, "grpc_listen");
}

}  // namespace
TEST_F(ConfigFile, RefusesAddressesThatLeadNowhere) {
  for (const auto& [line, where] : std::initializer_list<std::pair<const char*, const char*>>{
           {"public_url = \"pictures.example\"", "public_url: expected http:// or https://"},
           {"public_url = \"http://\"", "public_url: expected http:// or https://"},
           {"public_url = \"https://a.example/x?y=1\"", "public_url: expected http:// or https://"},
           {"moderation_url = \"ftp://a.example\"", "moderation_url: expected a URL"},
           {"cors_origin = \"a.example\"", "cors_origin: expected *, nothing, or one origin"},
           {"cors_origin = \"https://a.example/\"", "cors_origin: expected *, nothing"},
           {"cors_origin = \"https://a.example,https://b.example\"", "cors_origin: expected *"},
           {"http_listen = \":8080\"\ngrpc_listen = \"127.0.0.1:8080\"", "grpc_listen: \""},
           {"http_listen = \"0.0.0.0:8080\"\ngrpc_listen = \"[::1]:8080\"", "grpc_listen: \""},
           {"[upstreams.u]\nmodels = [\"m\"]\nbase_url = \"http://\"",
            "u: base_url: expected a URL"},
           {"[upstreams.u]\nmodels = [\"m\"]\nbase_url = \"http://x:99999/v1\"",
            "u: base_url: exp"},
           {"[upstreams.u]\nmodels = [\"m\"]\nbase_url = \"http://x/v1?a=1\"",
            "u: base_url: expec"},
           {"[upstreams.u]\nmodels = [\"m\"]\nbase_url = \"http://me:pw@x/v1\"",
            "u: base_url: exp"}}) {
    const auto config = load_config({.file = write(std::string(line) + "\n")}, Environment{});
    ASSERT_FALSE(config) << line;
    EXPECT_NE(config.error().message.find(where), std::string::npos)
        << line << ": " << config.error().message;
  }
}

TEST_F(ConfigFile, TakesAddressesOfEveryForm) {
  for (const char* line :
       {"public_url = \"https://a.example:8443/pictures/\"",
        "moderation_url = \"https://a.example/moderate?api-version=1\"", "cors_origin = \"\"",
        "cors_origin = \"*\"", "cors_origin = \"null\"", "cors_origin = \"http://localhost:3000\"",
        "cors_origin = \"chrome-extension://abcdefgh\"",
        "http_listen = \":0\"\ngrpc_listen = \":0\"",
        "http_listen = \"127.0.0.1:80\"\ngrpc_listen = \"127.0.0.2:80\"",
        "[upstreams.u]\nmodels = [\"m\"]\nbase_url = \"http://llama_cpp:8080\""}) {
    const auto config = load_config({.file = write(std::string(line) + "\n")}, Environment{});
    EXPECT_TRUE(config) << line << ": " << config.error().message;
  }
}

TEST_F(ConfigFile, SaysThatANumberIsToBeQuotedOnlyWhereATextIsExpected) {
  EXPECT_NE(error_of("key_prefix = 7\n").find("write it in quotes"), std::string::npos);
  EXPECT_EQ(error_of("rate_per_second = 1.5\n").find("in quotes"), std::string::npos);
}

TEST_F(ConfigFile, CallsWhatCannotBeReadNotMissingToo) {
  for (const char* line :
       {"base_url = 7\nmodels = [\"a\"]", "base_url = \"ftp://x\"\nmodels = [\"a\"]",
        "base_url = \"http://x/v1\"\nmodels = \"a\""}) {
    const std::string error = error_of(std::string("[upstreams.u]\n") + line + "\n");
    EXPECT_EQ(error.find("is missing"), std::string::npos) << error;
    EXPECT_NE(error.find("expected"), std::string::npos) << error;
  }
  const std::string chat = error_of("[chats.c]\ntalks = 7\nmakes = \"grok-imagine-image\"\n");
  EXPECT_EQ(chat.find("is missing"), std::string::npos) << chat;
}

TEST_F(ConfigFile, WarnsOfNamesThatHideOthers) {
  const auto config =
      load_config({.file = write("[upstreams.u]\nbase_url = \"http://x/v1\"\n"
                                 "models = [\"m\", \"n\", \"grok-imagine-image=far\"]\n"
                                 "[chats.m]\ntalks = \"n\"\nmakes = \"grok-imagine-image\"\n")},
                  Environment{});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->warnings.size(), 2u);
  EXPECT_NE(config->warnings[0].find("chats.m: hides the model"), std::string::npos);
  EXPECT_NE(config->warnings[1].find("\"OTHER=far\""), std::string::npos);
  const auto catalogue = make_catalogue(*config);
  ASSERT_TRUE(catalogue);
  std::vector<std::string> talkers;
  for (const service::Talker& talker : catalogue->talkers()) talkers.push_back(talker.name);
  EXPECT_EQ(talkers, (std::vector<std::string>{"m", "n"}));
}

}  // namespace imagined::config
