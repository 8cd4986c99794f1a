// Recorded runs of the reference implementation on small random models (README.md beside the
// files), compared tensor by tensor through the engine's public face.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/folder_testing.h"
#include "engine/backend/cpu/features.h"
#include "engine/lab/lab.h"
#include "golden/expect_run.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

fs::path golden_folder() { return fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden"; }

constexpr std::string_view kSuffix = ".golden.safetensors";

/// Names of the recorded runs in a folder, without the suffix, sorted.
std::vector<std::string> recorded_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kSuffix)) names.push_back(name.substr(0, name.size() - kSuffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

CheckRequest request_for(const std::string& name) {
  return {.model = golden_folder() / name.substr(0, name.find('-')),
          .golden = golden_folder() / (name + std::string(kSuffix)),
          .threads = 2};
}

class RecordedRun : public testing::TestWithParam<std::string> {};

// A wrong tap, mask, layout, crop or shift shows 0.02 or more somewhere; the tolerance is 1e-4.
TEST_P(RecordedRun, AgreesInF32) { expect_agrees(request_for(GetParam())); }

TEST_P(RecordedRun, AgreesInBf16WithinTheDerivedTolerance) {
  CheckRequest request = request_for(GetParam());
  request.precision = Precision::bf16;
  expect_agrees(request);
}

TEST_P(RecordedRun, AgreesInInt8WithinTheDerivedTolerance) {
  CheckRequest request = request_for(GetParam());
  request.precision = Precision::int8;
  expect_agrees(request);
}

INSTANTIATE_TEST_SUITE_P(Tiny, RecordedRun, testing::ValuesIn(recorded_in(golden_folder())),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(RecordedRuns, AreAllThere) { EXPECT_EQ(recorded_in(golden_folder()).size(), 36u); }

TEST(RecordedRuns, AgreeWithTheSlowTwinsOfEveryOperation) {
  CheckRequest request = request_for("a3-edit3");
  request.implementations = "matmul=reference,attention=reference,conv2d=reference";
  expect_agrees(request);
}

TEST(RecordedRuns, AgreeWithTheAvx2Implementations) {
  CheckRequest request = request_for("a3-edit3");
  request.implementations = "matmul=avx2,attention=avx2,conv2d=avx2";
  expect_agrees(request);
}

TEST(RecordedRuns, AgreeWithTheAvx512Implementations) {
  if (!CpuFeatures::detect().avx512) GTEST_SKIP() << "no AVX-512 on this machine";
  CheckRequest request = request_for("a3-edit3");
  request.implementations = "matmul=avx512,attention=avx512,conv2d=avx512";
  expect_agrees(request);
}

/// A model of another pipeline, made of a recorded model's parts.
class OtherPipeline : public testing::Test {
 protected:
  const TestFolder folder_;
  const fs::path& path_ = folder_.path();

  void build(const std::string& parts, const std::string& class_name) {
    for (const auto& entry : fs::directory_iterator(golden_folder() / parts)) {
      if (entry.is_directory()) {
        fs::create_directory_symlink(entry.path(), path_ / entry.path().filename());
      }
    }
    std::ifstream file(golden_folder() / parts / "model_index.json");
    std::string index((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const std::string old = "\"Flux2KleinPipeline\"";
    index.replace(index.find(old), old.size(), '"' + class_name + '"');
    std::ofstream(path_ / "model_index.json") << index;
  }
};

// The same model without cached references is 0.4 off.
TEST_F(OtherPipeline, WithCachedReferencesAgreesInBothPrecisions) {
  build("a3", "Flux2KleinKVPipeline");
  CheckRequest request{
      .model = path_,
      .golden = golden_folder() / "cached_references" / ("a3-edit3" + std::string(kSuffix)),
      .threads = 2};
  expect_agrees(request);
  request.precision = Precision::bf16;
  expect_agrees(request);
}

// As `ModularPipeline.save_pretrained` of diffusers 0.42.1 writes it, whose own pictures of these
// runs are at most one level from the recorded ones.
TEST_F(OtherPipeline, InAModularFolderAgrees) {
  struct Case {
    const char* parts;
    const char* class_name;
    const char* run;
  };
  for (const auto& [parts, class_name, run] :
       {Case{"a1", "Flux2KleinModularPipeline", "a1-wide"},
        Case{"a4", "Flux2KleinBaseModularPipeline", "a4-square"},
        Case{"b2", "FluxModularPipeline", "b2-tall"},
        Case{"b3", "FluxKontextModularPipeline", "b3-tall"},
        Case{"c1", "Flux2ModularPipeline", "c1-tall"}}) {
    SCOPED_TRACE(class_name);
    std::ifstream file(golden_folder() / parts / "model_index.json");
    nlohmann::json index = nlohmann::json::parse(file);
    index["_class_name"] = class_name;
    index["_blocks_class_name"] = "AutoBlocks";
    for (nlohmann::json& part : index)
      if (part.is_array() && part[0].is_string())
        part.push_back({{"pretrained_model_name_or_path", "somewhere"},
                        {"revision", nullptr},
                        {"type_hint", {part[0], part[1]}},
                        {"variant", nullptr}});
    const TestFolder folder;
    for (const auto& entry : fs::directory_iterator(golden_folder() / parts))
      if (entry.is_directory())
        fs::create_directory_symlink(entry.path(), folder.path() / entry.path().filename());
    folder.write("modular_model_index.json", index.dump());
    expect_agrees({.model = folder.path(),
                   .golden = golden_folder() / (run + std::string(kSuffix)),
                   .threads = 2});
  }
}

TEST(RecordedRuns, OfPaperlandAgree) {
  const fs::path folder = golden_folder() / "paperland";
  const fs::path model = fs::path(IMAGINED_SOURCE_DIR) / "models" / "paperland";
  const std::vector<std::string> names = recorded_in(folder);
  if (names.empty()) GTEST_SKIP() << "no recorded runs in tests/golden/paperland";
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    expect_agrees({.model = model, .golden = folder / (name + std::string(kSuffix)), .threads = 2});
  }
}

class ResultFile : public testing::Test {
 protected:
  const TestFolder folder_;
  const fs::path path_ = folder_.path() / "result.safetensors";
};

TEST_F(ResultFile, IsARecordedRunOfItsOwnThatAgreesToTheLastBit) {
  CheckRequest request = request_for("a3-edit1");
  request.result = path_;
  expect_agrees(request);
  request.golden = path_;
  request.result.clear();
  const auto report = check_model(request);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  for (const TensorCheck& check : report->tensors) EXPECT_EQ(check.max_error, 0) << check.name;
}

TEST(CheckModel, FailsWhenTheModelIsAnother) {
  // a3 and a1 differ in every width, so the noise does not even fit.
  CheckRequest request = request_for("a3-square");
  request.model = golden_folder() / "a1";
  const auto report = check_model(request);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::invalid_argument);
}

TEST_F(ResultFile, ShowsAChangedWeightAsAFailedTensor) {
  // The autoencoder's last bias moved by 1.0: everything before it agrees, the picture does not.
  const TestFolder changed_folder;
  const fs::path& changed = changed_folder.path();
  fs::copy(golden_folder() / "a4", changed, fs::copy_options::recursive);
  {
    const fs::path vae = changed / "vae" / "diffusion_pytorch_model.safetensors";
    std::fstream file(vae, std::ios::in | std::ios::out | std::ios::binary);
    std::uint64_t header_bytes = 0;
    file.read(reinterpret_cast<char*>(&header_bytes), 8);
    std::string header(header_bytes, '\0');
    file.read(header.data(), static_cast<std::streamsize>(header_bytes));
    const auto at = header.find("\"decoder.conv_out.bias\"");
    const auto offsets = header.find("\"data_offsets\":[", at) + 16;
    const float moved = 1.0f;
    file.seekp(static_cast<std::streamoff>(8 + header_bytes) + std::stoll(header.substr(offsets)));
    file.write(reinterpret_cast<const char*>(&moved), sizeof(moved));
  }
  CheckRequest request = request_for("a4-square");
  request.model = changed;
  const auto report = check_model(request);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_FALSE(report->passed);
  for (const TensorCheck& check : report->tensors) {
    EXPECT_EQ(check.passed, check.name != "decoded" && check.name != "image") << check.name;
  }
}

}  // namespace
}  // namespace imagined::engine
