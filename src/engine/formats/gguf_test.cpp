#include "engine/formats/gguf.h"

#include <gmock/gmock.h>

#include <bit>

#include "engine/formats/gguf_test_files.h"
#include "engine/formats/test_files.h"
#include "engine/formats/weight_file.h"

namespace imagined::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kF16 = 1;
constexpr std::uint32_t kQ8 = 8;
constexpr std::uint32_t kIq2Xs = 17;
constexpr std::uint32_t kStringType = 8;
constexpr std::uint32_t kArrayType = 9;
constexpr std::uint64_t kHuge = 1ull << 62;

struct BrokenFile {
  const char* name;
  std::string bytes;
  ErrorCode code;
  const char* message;  // part of the error's
};

/// A file of one tensor "x".
std::string one_tensor(const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                       std::size_t data_bytes) {
  GgufBytes file;
  file.tensor("x", sizes, type, std::string(data_bytes, '\1'));
  return file.bytes();
}

std::string one_info(const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                     std::uint64_t offset, std::size_t data_bytes = 64) {
  GgufBytes file;
  file.info("x", sizes, type, offset);
  file.data(std::string(data_bytes, '\1'));
  return file.bytes();
}

std::string one_key(std::string_view name, std::uint32_t type, std::string_view value) {
  GgufBytes file;
  file.key(name, type, value);
  return file.bytes();
}

std::string array(std::uint32_t inner, std::uint64_t count, std::string_view elements) {
  return u32_bytes(inner) + u64_bytes(count) + std::string(elements);
}

/// An array of one array of one array ... of no bytes.
std::string nested(int depth) {
  std::string out;
  for (int i = 0; i < depth; ++i) out += array(kArrayType, 1, "");
  return out + array(0, 0, "");
}

std::string head(std::uint32_t version, std::uint64_t tensors, std::uint64_t keys) {
  return "GGUF" + u32_bytes(version) + u64_bytes(tensors) + u64_bytes(keys);
}

std::string with_original_shape(std::string_view value, std::uint32_t type = kArrayType) {
  GgufBytes file;
  file.key("comfy.gguf.orig_shape.x", type, value);
  file.tensor("x", {4}, kF32, std::string(16, '\1'));
  return file.bytes();
}

std::string two_tensors(std::string_view second_name, std::uint64_t second_offset) {
  GgufBytes file;
  file.info("a", {10}, kF32, 0);
  file.info(second_name, {10}, kF32, second_offset);
  file.data(std::string(200, '\1'));
  return file.bytes();
}

std::vector<BrokenFile> broken_heads() {
  using enum ErrorCode;
  return {
      {"Empty", "", data_loss, "empty"},
      {"ThreeBytes", "GGU", data_loss, "does not start with \"GGUF\""},
      {"AnotherMagic", "GGML" + u32_bytes(3), data_loss, "does not start with \"GGUF\""},
      {"MagicOnly", "GGUF", data_loss, "cut short"},
      {"Version1", head(1, 0, 0), unimplemented, "GGUF version 1"},
      {"Version4", head(4, 0, 0), unimplemented, "GGUF version 4"},
      {"BigEndian", head(0x03000000, 0, 0), unimplemented, "big-endian"},
      {"TensorsBeyondTheFile", head(3, 1, 0), data_loss, "tensor 1 of 1: the file ends here"},
      {"TooManyTensors", head(3, kMaxTensors + 1, 0), data_loss, "20001 tensors"},
      {"Tensors2To64", head(3, ~0ull, 0), data_loss, "tensors, 20000 allowed"},
      {"TooManyKeys", head(3, 0, kMaxGgufKeys + 1), data_loss, "10001 keys"},
      {"KeysBeyondTheFile", head(3, 0, 2), data_loss, "key 1 of 2: the file ends here"},
      {"KeyLength2To63", head(3, 0, 1) + u64_bytes(1ull << 63), data_loss, "ends here"},
      {"KeyTooLong", one_key(std::string(kMaxGgufKeyBytes + 1, 'k'), 0, "a"), data_loss,
       "a name of 65536 bytes"},
      {"KeyNotUtf8", one_key("a\xff", 0, "a"), data_loss, "not UTF-8"},
      {"KeyTwice",
       head(3, 0, 2) + gguf_string("k") + u32_bytes(0) + "a" + gguf_string("k") + u32_bytes(0) +
           "a",
       data_loss, "key \"k\": given twice"},
      {"UnknownValueType", one_key("k", 13, "a"), data_loss, "key \"k\": values of type 13"},
      {"CutValue", one_key("k", 10, "1234567"), data_loss, "key \"k\": the file ends here"},
      {"CutString", one_key("k", kStringType, u64_bytes(9) + "12345678"), data_loss, "key \"k\""},
      {"CutArray", one_key("k", kArrayType, array(5, 3, "12345678")), data_loss, "key \"k\""},
      {"ArrayWhoseSizeOverflows", one_key("k", kArrayType, array(10, kHuge, "12345678")), data_loss,
       "key \"k\""},
      {"StringsBeyondTheFile", one_key("k", kArrayType, array(kStringType, kHuge, u64_bytes(0))),
       data_loss, "key \"k\""},
      {"ArrayOfUnknownType", one_key("k", kArrayType, array(99, 1, "a")), data_loss,
       "values of type 99"},
      {"ArrayNestedTooDeep", one_key("k", kArrayType, nested(kMaxGgufArrayDepth)), data_loss,
       "nested deeper than 16"},
      {"AlignmentIsAString", one_key("general.alignment", kStringType, gguf_string("32")),
       data_loss, "expected type 4"},
      {"Alignment0", one_key("general.alignment", 4, u32_bytes(0)), data_loss, "found 0"},
      {"Alignment24", one_key("general.alignment", 4, u32_bytes(24)), data_loss, "power of two"},
      {"AlignmentHuge", one_key("general.alignment", 4, u32_bytes(1u << 31)), data_loss,
       "found 2147483648"},
      {"OriginalShapeIsNoArray", with_original_shape(u32_bytes(4), 4), data_loss,
       "orig_shape.x\": expected an array of integers"},
      {"OriginalShapeOfStrings", with_original_shape(array(kStringType, 1, gguf_string("4"))),
       data_loss, "expected an array of integers"},
      {"OriginalShapeOfNineSizes", with_original_shape(array(5, 9, std::string(36, '\1'))),
       data_loss, "9 sizes"},
      {"OriginalShapeNegative", with_original_shape(array(5, 1, u32_bytes(0xfffffffc))), data_loss,
       "a size of -4"},
      {"OriginalShapeOfOtherLength", with_original_shape(array(5, 1, u32_bytes(5))),
       invalid_argument, "tensor \"x\": stored as [4], but comfy.gguf.orig_shape says [5]"},
      {"OriginalShapeOverflows",
       with_original_shape(array(11, 3, u64_bytes(kHuge) + u64_bytes(kHuge) + u64_bytes(4))),
       invalid_argument, "stored as [4]"},
  };
}

std::vector<BrokenFile> broken_tensors() {
  using enum ErrorCode;
  return {
      {"NameTwice", two_tensors("a", 64), data_loss, "tensor \"a\": named twice"},
      {"NameTooLong",
       [] {
         GgufBytes file;
         file.info(std::string(kMaxTensorNameBytes + 1, 'n'), {1}, kF32, 0);
         return file.bytes();
       }(),
       data_loss, "tensor 1 of 1: a name of 513 bytes"},
      {"NameNotUtf8", two_tensors("b\xc0\x80", 64), data_loss, "not UTF-8"},
      {"SixDimensions", one_info({1, 1, 1, 1, 1, 1}, kF32, 0), data_loss, "6 dimensions"},
      {"Dimensions2To32", head(3, 1, 0) + gguf_string("x") + u32_bytes(0xffffffff), data_loss,
       "tensor \"x\": 4294967295 dimensions"},
      {"CutInfo", head(3, 1, 0) + gguf_string("x") + u32_bytes(2) + u64_bytes(1), data_loss,
       "tensor \"x\": the file ends here"},
      {"UnknownType", one_info({1}, 4, 0), unimplemented, "tensor \"x\": stored as type 4"},
      {"SizeAbove63Bits", one_info({~0ull}, kF32, 0), invalid_argument, "no size in bytes"},
      {"ElementsOverflow", one_info({kHuge, kHuge, 4}, kF32, 0), invalid_argument,
       "no size in bytes"},
      {"ElementsOverflowBeforeA0", one_info({0, kHuge, kHuge}, kF32, 0), invalid_argument,
       "no size in bytes"},
      {"BytesOverflow", one_info({kHuge}, kF32, 0), invalid_argument, "no size in bytes"},
      {"RowOfHalfABlock", one_tensor({48, 2}, kQ8, 102), invalid_argument,
       "rows of 48 elements, expected whole blocks of 32 (Q8_0)"},
      {"ScalarOfABlockType", one_tensor({}, kQ8, 34), invalid_argument, "rows of 1 elements"},
      {"OffsetNotAligned", one_info({4}, kF32, 4), data_loss,
       "starts at byte 4, expected a multiple of 32"},
      {"OffsetPastTheEnd", one_info({4}, kF32, 96), data_loss, "the file has 64 bytes of tensors"},
      {"Offset2To63", one_info({4}, kF32, 1ull << 63), data_loss, "tensor \"x\": [4] of F32"},
      {"EndsPastTheEnd", one_info({9}, kF32, 32), data_loss, "takes 36 bytes from byte 32 on"},
      {"BlocksPastTheEnd", one_tensor({64}, kQ8, 67), data_loss, "takes 68 bytes"},
      {"NoDataAtAll", one_info({1}, kF32, 0, 0), data_loss, "has 0 bytes of tensors"},
      {"Overlap", two_tensors("b", 32), data_loss, "tensor \"b\": overlaps tensor \"a\""},
      {"SamePlace", two_tensors("b", 0), data_loss, "overlaps"},
  };
}

class BrokenGguf : public ::testing::TestWithParam<BrokenFile> {};

TEST_P(BrokenGguf, IsRefusedWithATypedErrorThatNamesTheFault) {
  const BrokenFile& file = GetParam();
  const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(file.bytes));
  ASSERT_FALSE(tensors.has_value());
  EXPECT_EQ(tensors.error().code, file.code) << tensors.error().message;
  EXPECT_THAT(tensors.error().message, HasSubstr(file.message));
}

INSTANTIATE_TEST_SUITE_P(Header, BrokenGguf, ::testing::ValuesIn(broken_heads()),
                         [](const auto& param) { return std::string(param.param.name); });
INSTANTIATE_TEST_SUITE_P(Tensors, BrokenGguf, ::testing::ValuesIn(broken_tensors()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(GgufReader, RefusesEveryBeginningOfAFile) {
  GgufBytes file;
  file.key("general.name", kStringType, gguf_string("tiny"));
  file.key("list", kArrayType, array(kStringType, 2, gguf_string("a") + gguf_string("bc")));
  file.tensor("x", {2, 1}, kF32, "12345678");
  const std::string bytes = file.bytes();
  ASSERT_TRUE(parse_gguf(as_bytes(bytes)).has_value());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(parse_gguf(as_bytes(bytes.substr(0, length))).has_value()) << length;
}

TEST(GgufReader, TurnsSizesIntoPyTorchsOrder) {
  const std::string bytes = one_tensor({2, 3}, kF32, 24);
  const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(bytes));
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
  EXPECT_THAT(tensors->at(0).shape, ElementsAre(3, 2));
  EXPECT_EQ(tensors->at(0).dtype, DType::f32);
  EXPECT_EQ(tensors->at(0).type, find_stored_type("F32"));
}

TEST(GgufReader, GivesTheShapeThatTheConverterNotedDown) {
  for (const std::uint32_t inner : {4u, 5u, 10u, 11u}) {
    const std::size_t size_bytes = inner < 10 ? 4 : 8;
    const std::string bytes = with_original_shape(array(
        inner, 3, le_bytes(2, size_bytes) + le_bytes(1, size_bytes) + le_bytes(2, size_bytes)));
    const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(bytes));
    ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
    EXPECT_THAT(tensors->at(0).shape, ElementsAre(2, 1, 2)) << "type " << inner;
  }
}

TEST(GgufReader, FindsTheDataAtTheStatedAlignment) {
  for (const std::uint32_t alignment : {1u, 8u, 32u, 4096u}) {
    GgufBytes file;
    file.alignment = alignment;
    file.key("general.alignment", 4, u32_bytes(alignment));
    file.tensor("a", {2}, kF16, "1234");
    file.tensor("b", {2}, kF16, "5678");
    const std::string bytes = file.bytes();
    const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(bytes));
    ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
    EXPECT_EQ(tensors->at(1).bytes[3], std::byte{'8'}) << alignment;
  }
}

TEST(GgufReader, ReadsVersion2) {
  GgufBytes file;
  file.version = 2;
  file.tensor("x", {1}, kF32, "1234");
  EXPECT_TRUE(parse_gguf(as_bytes(file.bytes())).has_value());
}

TEST(GgufReader, SkipsValuesOfEveryType) {
  GgufBytes file;
  constexpr std::array<std::size_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  for (std::uint32_t type = 0; type < kSizes.size(); ++type) {
    const std::string name = "k" + std::to_string(type);
    if (kSizes[type] == 0) continue;
    file.key(name, type, std::string(kSizes[type], '\xff'));
    file.key(name + "s", kArrayType, array(type, 3, std::string(3 * kSizes[type], '\xff')));
  }
  file.key("text", kStringType, gguf_string("not \xff UTF-8: only names must be"));
  file.key("texts", kArrayType, array(kStringType, 2, gguf_string("a") + gguf_string("")));
  file.key("nested", kArrayType, nested(kMaxGgufArrayDepth - 1));
  file.tensor("x", {1}, kF32, "1234");
  const std::string bytes = file.bytes();
  const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(bytes));
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
  EXPECT_EQ(tensors->at(0).bytes[0], std::byte{'1'});
}

TEST(GgufReader, AcceptsScalarsEmptyTensorsAndNoTensorAtAll) {
  GgufBytes file;
  file.tensor("scalar", {}, kF32, "1234");
  file.info("none", {0, 7}, kF32, 0);
  const std::string bytes = file.bytes();
  const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(bytes));
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
  EXPECT_EQ(tensors->at(0).elements(), 0);  // in the order of the bytes
  EXPECT_EQ(tensors->at(1).elements(), 1);
  EXPECT_TRUE(parse_gguf(as_bytes(GgufBytes().bytes())).has_value());
}

TEST(GgufReader, AcceptsPaddingBetweenAndBehindTensors) {
  GgufBytes file;
  file.info("late", {1}, kF32, 64);
  file.info("early", {1}, kF32, 0);
  file.data(std::string(96, '\1'));
  const std::string bytes = file.bytes();
  const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(bytes));
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
  EXPECT_EQ(tensors->at(0).name, "early");
}

TEST(GgufReader, KeepsTypesThatAreNotDecoded) {
  const std::string bytes = one_tensor({256}, kIq2Xs, 74);
  const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(bytes));
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
  EXPECT_EQ(tensors->at(0).dtype_name, "IQ2_XS");
  EXPECT_FALSE(tensors->at(0).is_readable());
}

TEST(GgufReader, EscapesControlCharactersOfNamesInMessages) {
  GgufBytes file;
  file.info("a\x07\nb", {1}, 4, 0);
  const Result<std::vector<FileTensor>> tensors = parse_gguf(as_bytes(file.bytes()));
  ASSERT_FALSE(tensors.has_value());
  EXPECT_THAT(tensors.error().message, HasSubstr("a\\x07\\x0ab"));
}

// Written by the gguf package of llama.cpp (tests/golden/README.md): every encoding as "Q4_K" and
// what the package decodes from it as "Q4_K.decoded".
class RecordedBlocks : public ::testing::Test {
 protected:
  static Result<WeightFile> open() {
    return WeightFile::open(fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden" / "blocks.gguf");
  }
};

TEST_F(RecordedBlocks, DecodeToWhatTheirWriterMakesOfThem) {
  const Result<WeightFile> file = open();
  ASSERT_TRUE(file.has_value()) << file.error().message;
  for (const StoredType& format : stored_types()) {
    // One by one there is nothing to decode; NVFP4 is newer than the file (stored_type_test).
    if (format.elements == 1 || format.ggml_type == kNoGgmlType || format.name == "NVFP4") continue;
    const FileTensor* tensor = file->find(format.name);
    const FileTensor* expected = file->find(std::string(format.name) + ".decoded");
    ASSERT_TRUE(tensor != nullptr && expected != nullptr) << format.name;
    ASSERT_EQ(tensor->shape, expected->shape) << format.name;
    const std::int64_t elements = tensor->elements();
    Tensor ours(1, elements);
    Tensor theirs(1, elements);
    decode_rows(tensor->stored_rows(0, 1, elements), ours);
    decode_rows(expected->stored_rows(0, 1, elements), theirs);
    EXPECT_THAT(ours.values<float>(), ::testing::ElementsAreArray(theirs.values<float>()))
        << format.name;
  }
}

TEST_F(RecordedBlocks, StandBesideAFilterBankOfItsOriginalShape) {
  const Result<WeightFile> file = open();
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const FileTensor* filters = file->find("filters");
  ASSERT_NE(filters, nullptr);
  EXPECT_THAT(filters->shape, ElementsAre(2, 3, 2, 2));
}

TEST(WeightFile, ReadsBothFormatsWhateverTheirNames) {
  const TestFolder folder;
  GgufBytes gguf;
  gguf.tensor("x", {1}, kF32, "1234");
  const fs::path first = folder.write("a.safetensors", gguf.bytes());
  const fs::path second = folder.write(
      "b.gguf",
      safetensors_bytes("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4));
  for (const fs::path& path : {first, second}) {
    const Result<WeightFile> file = WeightFile::open(path);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    ASSERT_NE(file->find("x"), nullptr);
    EXPECT_EQ(file->find("y"), nullptr);
  }
}

TEST(WeightFile, NamesItselfInErrors) {
  const TestFolder folder;
  const Result<WeightFile> file = WeightFile::open(folder.write("flux.gguf", "GGUF"));
  ASSERT_FALSE(file.has_value());
  EXPECT_THAT(file.error().message, HasSubstr("flux.gguf: header: the file ends here"));
}

TEST(WeightFile, SaysSoWhenTheFileIsCutWhileItIsMapped) {
  const TestFolder folder;
  const fs::path path = folder.write("x.gguf", one_tensor({32 * 1024}, kQ8, 34 * 1024));
  const Result<WeightFile> file = WeightFile::open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  ASSERT_TRUE(file->intact().has_value());
  fs::resize_file(path, 4096);
  EXPECT_EQ(file->find("x")->bytes[34 * 1024 - 1], std::byte{0});
  EXPECT_EQ(file->intact().error().code, ErrorCode::data_loss);
}

TEST(GgufKeys, AreReadWithTheirTypes) {
  GgufBytes file;
  file.key("a.text", 8, gguf_string("x"));
  file.key("a.truth", 7, "\1");
  file.key("a.small", 1, "\xfe");
  file.key("a.short", 2, le_bytes(65'535, 2));
  file.key("a.large", 10, u64_bytes(1ull << 40));
  file.key("a.fraction", 6, u32_bytes(std::bit_cast<std::uint32_t>(0.5f)));
  file.key("a.texts", 9, u32_bytes(8) + u64_bytes(2) + gguf_string("") + gguf_string("yz"));
  file.key("a.numbers", 9, u32_bytes(5) + u64_bytes(2) + u32_bytes(0xffffffff) + u32_bytes(7));
  file.key("a.doubles", 9,
           u32_bytes(12) + u64_bytes(1) + u64_bytes(std::bit_cast<std::uint64_t>(0.25)));
  file.key("b.other", 8, gguf_string("not asked for"));
  const std::string bytes = file.bytes();
  const auto keys = read_gguf_keys(std::as_bytes(std::span(bytes)), "a.");
  ASSERT_TRUE(keys.has_value()) << keys.error().message;
  EXPECT_EQ(keys->size(), 9u);
  EXPECT_EQ(keys->at("a.text"), GgufValue(std::string("x")));
  EXPECT_EQ(keys->at("a.truth"), GgufValue(true));
  EXPECT_EQ(keys->at("a.small"), GgufValue(std::int64_t{-2}));
  EXPECT_EQ(keys->at("a.short"), GgufValue(std::int64_t{65'535}));
  EXPECT_EQ(keys->at("a.large"), GgufValue(std::int64_t{1} << 40));
  EXPECT_EQ(keys->at("a.fraction"), GgufValue(0.5));
  EXPECT_EQ(keys->at("a.texts"), GgufValue(std::vector<std::string>{"", "yz"}));
  EXPECT_EQ(keys->at("a.numbers"), GgufValue(std::vector<std::int64_t>{-1, 7}));
  EXPECT_EQ(keys->at("a.doubles"), GgufValue(std::vector<double>{0.25}));
}

TEST(GgufKeys, AreRefusedWhereTheyAreBroken) {
  const auto error = [](std::uint32_t type, const std::string& value) {
    GgufBytes file;
    file.key("a.x", type, value);
    const std::string bytes = file.bytes();
    const auto keys = read_gguf_keys(std::as_bytes(std::span(bytes)), "a.");
    return keys ? "none" : keys.error().message;
  };
  EXPECT_THAT(error(9, u32_bytes(8) + u64_bytes(1ull << 60)), HasSubstr("\"a.x\""));
  EXPECT_THAT(error(9, u32_bytes(4) + u64_bytes(3) + u32_bytes(1)), HasSubstr("cut short"));
  EXPECT_THAT(error(9, u32_bytes(9) + u64_bytes(1)), HasSubstr("an array of type 9"));
  EXPECT_THAT(error(10, u64_bytes(~0ull)), HasSubstr("above every int64"));
  EXPECT_THAT(error(13, ""), HasSubstr("type 13"));
}

}  // namespace
}  // namespace imagined::engine
