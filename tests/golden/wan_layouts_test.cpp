// The recorded runs of Wan on the same weights in the layouts that people have.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/folder_testing.h"
#include "engine/families/wan/wan_names_testing.h"
#include "engine/formats/folder.h"
#include "engine/formats/safetensors_write.h"
#include "engine/formats/weight_file.h"
#include "golden/expect_run.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

using Rename = std::string (*)(std::string name);

/// A copy of a recorded model, whose weights are written anew, part by part.
class WanLayout : public ::testing::Test {
 protected:
  void copy(const std::string& model) {
    fs::copy(kGolden / model, folder_.path(), fs::copy_options::recursive);
  }

  void to_safetensors(const char* part, Rename rename) const {
    const WeightFile file = take(part);
    std::vector<TensorToWrite> tensors;
    for (const FileTensor& tensor : file.tensors())
      tensors.push_back({.name = rename(tensor.name),
                         .dtype = tensor.dtype,
                         .shape = tensor.shape,
                         .bytes = tensor.bytes});
    const auto written = write_safetensors(folder_.path() / part / "weights.safetensors", tensors);
    CHECK(written.has_value(), "{}", written.error().message);
    fs::remove(file.path());
  }

  void to_gguf(const char* part, Rename rename) const {
    const WeightFile file = take(part);
    std::ofstream(folder_.path() / part / "weights.gguf", std::ios::binary)
        << gguf_of(file.tensors(), StoreAs::as_they_were, rename);
    fs::remove(file.path());
  }

  void expect_run(const std::string& run) const {
    SCOPED_TRACE(run);
    expect_agrees(
        {.model = folder_.path(), .golden = kGolden / (run + ".golden.safetensors"), .threads = 2});
  }

 private:
  WeightFile take(const char* part) const {
    const std::vector<fs::path> files = weight_files_in(folder_.path() / part);
    CHECK(files.size() == 1, "{} files in {}", files.size(), part);
    auto file = WeightFile::open(files[0]);
    CHECK(file.has_value(), "{}", file.error().message);
    return std::move(*file);
  }

  const TestFolder folder_;
};

TEST_F(WanLayout, OfComfyUisSplitFilesAgrees) {
  copy("d1");
  to_safetensors("transformer", own_wan_name);
  to_safetensors("vae", own_wan_vae_name);
  expect_run("d1-i2v");
  expect_run("d1-t2v");
}

TEST_F(WanLayout, OfACheckpointAgrees) {
  copy("d2");
  to_safetensors("transformer", checkpoint_wan_name);
  expect_run("d2-i2v");
}

TEST_F(WanLayout, OfGgufAgrees) {
  copy("d2");
  to_gguf("transformer", own_wan_name);
  to_gguf("text_encoder", llama_t5_name);
  expect_run("d2-i2v");
}

}  // namespace
}  // namespace imagined::engine
