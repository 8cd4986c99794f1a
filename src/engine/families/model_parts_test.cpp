#include "engine/families/model_parts.h"

#include <gmock/gmock.h>

#include "engine/formats/test_files.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(WeightFilesIn, AreThoseOfBothFormatsInAnyCase) {
  const TestFolder folder;
  for (const char* name : {"b.safetensors", "a.gguf", "C.GGUF", "notes.txt", "x.gguf.part"})
    folder.write(name, "");
  fs::create_directories(folder.path() / "folder.gguf");
  std::vector<std::string> names;
  for (const fs::path& path : weight_files_in(folder.path())) names.push_back(last_name(path));
  EXPECT_THAT(names, ::testing::ElementsAre("C.GGUF", "a.gguf", "b.safetensors"));
}

TEST(FindTextEncoder, KnowsQwenFilesInAnyCase) {
  for (const char* name : {"Qwen3-4B-Q4_K_M.gguf", "qwen_3_4b.safetensors", "QWEN3.GGUF"}) {
    const TestFolder folder;
    const fs::path transformer = folder.write("flux-2-klein-4b-Q8_0.gguf", "");
    const fs::path encoder = folder.write(name, "");
    const Result<fs::path> found = find_text_encoder(transformer);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_EQ(*found, encoder);
  }
}

TEST(FindVae, TakesAGgufFileToo) {
  const TestFolder folder;
  const fs::path transformer = folder.write("flux-2-klein-4b-Q8_0.gguf", "");
  const fs::path vae = folder.write("flux2-VAE.gguf", "");
  const Result<fs::path> found = find_vae(transformer);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(*found, vae);
}

TEST(OnlyTransformer, IsTheGgufFileThatIsNoOtherPart) {
  const TestFolder folder;
  const fs::path transformer = folder.write("flux-2-klein-4b-Q8_0.gguf", "");
  folder.write("Qwen3-4B-Q8_0.gguf", "");
  folder.write("flux2-vae.safetensors", "");
  const Result<fs::path> found = only_transformer(folder.path());
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(*found, transformer);
}

TEST(OnlyTransformer, CannotChooseBetweenTwoQuantisations) {
  const TestFolder folder;
  folder.write("flux-2-klein-4b-Q8_0.gguf", "");
  folder.write("flux-2-klein-4b-Q4_0.gguf", "");
  const Result<fs::path> found = only_transformer(folder.path());
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(found.error().message, HasSubstr("2 weight files; name one of them"));
}

}  // namespace
}  // namespace imagined::engine
