#include "engine/formats/safetensors.h"
#include "engine/formats/safetensors_write.h"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <chrono>
#include <fstream>

#include "engine/formats/test_files.h"

namespace imagined::engine {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

struct BrokenFile {
  const char* name;
  std::string bytes;
  ErrorCode code;
  const char* message;  // part of the error's
};

std::string entry(std::string_view name, std::string_view dtype, std::string_view shape,
                  std::string_view offsets) {
  std::string out;
  for (const std::string_view part :
       {std::string_view("\""), name, std::string_view("\":{\"dtype\":\""), dtype,
        std::string_view("\",\"shape\":"), shape, std::string_view(",\"data_offsets\":"), offsets,
        std::string_view("}")})
    out += part;
  return out;
}

std::string object(std::string_view inner) { return "{" + std::string(inner) + "}"; }

std::string with_length(std::uint64_t length, std::string_view rest) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(length >> (8 * i));
  return out + std::string(rest);
}

std::string many_tensors(std::size_t count) {
  std::string inner;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) inner += ',';
    inner += entry("t" + std::to_string(i), "U8", "[0]", "[0,0]");
  }
  return object(inner);
}

std::string nested(std::size_t depth) {
  std::string out = "{\"x\":";
  out.append(depth, '[');
  out.append(depth, ']');
  return out + "}";
}

std::vector<BrokenFile> broken_files() {
  using enum ErrorCode;
  const std::string good = object(entry("x", "F32", "[1]", "[0,4]"));
  const std::string two = entry("a", "U8", "[4]", "[0,4]") + ",";
  return {
      {"Empty", "", data_loss, "empty"},
      {"ThreeBytes", "abc", data_loss, "3 bytes"},
      {"Length2To63", with_length(1ull << 63, good), data_loss, "9223372036854775808 bytes"},
      {"Length1Gigabyte", with_length(1u << 30, good), data_loss, "1073741824 bytes"},
      {"Length0", with_length(0, "{}"), data_loss, "does not start with '{'"},
      {"LengthBeyondFile", with_length(1000, good), data_loss, "in a file of"},
      {"LengthOneTooMany", with_length(good.size() + 1, good), data_loss, "in a file of"},
      {"NotJson", safetensors_bytes("{hello}", 0), data_loss, "not valid JSON"},
      {"CutJson", safetensors_bytes("{\"x\":{\"dtype\":\"F32\"", 0), data_loss, "not valid JSON"},
      {"List", safetensors_bytes("[1,2]", 0), data_loss, "does not start with '{'"},
      {"SpaceFirst", safetensors_bytes(" {}", 0), data_loss, "does not start with '{'"},
      {"InvalidUtf8", safetensors_bytes("{\"\xff\":1}", 0), data_loss, "not valid JSON"},
      {"TwoObjects", safetensors_bytes("{}{}", 0), data_loss, "not valid JSON"},
      {"TooManyTensors", safetensors_bytes(many_tensors(kMaxTensors + 1), 0), data_loss,
       "more than 20000 tensors"},
      {"NestedThousand", safetensors_bytes(nested(1000), 0), data_loss, "tensor \"x\""},
      {"NestedInEntry", safetensors_bytes("{\"x\":{\"shape\":[[1]]}}", 0), data_loss,
       "tensor \"x\""},
      {"ObjectInEntry", safetensors_bytes("{\"x\":{\"extra\":{}}}", 0), data_loss, "deeper"},
      {"ShapeOverflows",
       safetensors_bytes(object(entry("x", "F32", "[4194305,4194305,211106198978564]", "[0,4]")),
                         4),
       invalid_argument, "tensor \"x\""},
      {"SizeAbove63Bits",
       safetensors_bytes(object(entry("x", "U8", "[18446744073709551615]", "[0,4]")), 4),
       invalid_argument, "tensor \"x\""},
      {"SizeAbove64Bits",
       safetensors_bytes(object(entry("x", "U8", "[18446744073709551616]", "[0,4]")), 4), data_loss,
       "\"shape\" holds"},
      {"NegativeSize", safetensors_bytes(object(entry("x", "F32", "[-1]", "[0,4]")), 4), data_loss,
       "\"shape\" holds -1"},
      {"FractionalSize", safetensors_bytes(object(entry("x", "F32", "[1.5]", "[0,4]")), 4),
       data_loss, "\"shape\" holds \"1.5\""},
      {"NineDimensions",
       safetensors_bytes(object(entry("x", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]")), 4), data_loss,
       "more than 8"},
      {"OffsetsReversed", safetensors_bytes(object(entry("x", "F32", "[1]", "[4,0]")), 4),
       data_loss, "run backwards"},
      {"OffsetsOverlap", safetensors_bytes(object(two + entry("b", "U8", "[4]", "[2,6]")), 6),
       data_loss, "overlap"},
      {"OffsetsLeaveAGap", safetensors_bytes(object(two + entry("b", "U8", "[4]", "[5,9]")), 9),
       data_loss, "a gap before it"},
      {"GapAtTheStart", safetensors_bytes(object(entry("x", "U8", "[4]", "[1,5]")), 5), data_loss,
       "a gap before it"},
      {"OffsetsPastTheEnd", safetensors_bytes(object(entry("x", "F32", "[2]", "[0,8]")), 7),
       data_loss, "ends at byte 8"},
      {"BytesBehindTheLast", safetensors_bytes(object(entry("x", "F32", "[1]", "[0,4]")), 5),
       data_loss, "cover 4 bytes, the file has 5"},
      {"SizeAgainstOffsets", safetensors_bytes(object(entry("x", "F32", "[3]", "[0,8]")), 8),
       data_loss, "takes 12 bytes, data_offsets hold 8"},
      {"OneOffset", safetensors_bytes(object(entry("x", "F32", "[1]", "[0]")), 4), data_loss,
       "no pair of \"data_offsets\""},
      {"ThreeOffsets", safetensors_bytes(object(entry("x", "F32", "[1]", "[0,4,8]")), 4), data_loss,
       "no pair of \"data_offsets\""},
      {"UnknownDtype", safetensors_bytes(object(entry("x", "Q99", "[1]", "[0,4]")), 4),
       invalid_argument, "tensor \"x\": unknown dtype \"Q99\""},
      {"LowerCaseDtype", safetensors_bytes(object(entry("x", "f32", "[1]", "[0,4]")), 4),
       invalid_argument, "unknown dtype"},
      {"HalfAByte", safetensors_bytes(object(entry("x", "F4", "[3]", "[0,1]")), 1),
       invalid_argument, "no size in bytes"},
      {"DtypeMissing", safetensors_bytes("{\"x\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4),
       data_loss, "no \"dtype\""},
      {"ShapeMissing", safetensors_bytes("{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4),
       data_loss, "no \"shape\""},
      {"OffsetsMissing", safetensors_bytes("{\"x\":{\"dtype\":\"F32\",\"shape\":[]}}", 0),
       data_loss, "no pair"},
      {"DtypeIsANumber", safetensors_bytes("{\"x\":{\"dtype\":32}}", 0), data_loss, "wrong type"},
      {"ShapeIsAString", safetensors_bytes("{\"x\":{\"shape\":\"1\"}}", 0), data_loss,
       "wrong type"},
      {"EntryIsAString", safetensors_bytes("{\"x\":\"F32\"}", 0), data_loss, "not an object"},
      {"EntryIsNull", safetensors_bytes("{\"x\":null}", 0), data_loss, "not an object"},
      {"NameTwice", safetensors_bytes(object(two + entry("a", "U8", "[4]", "[4,8]")), 8), data_loss,
       "tensor \"a\": named twice"},
      {"KeyTwice", safetensors_bytes("{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0), data_loss,
       "\"dtype\" twice"},
      {"ListTwice", safetensors_bytes("{\"x\":{\"shape\":[1],\"shape\":[1]}}", 0), data_loss,
       "\"shape\" twice"},
      {"MetadataTwice", safetensors_bytes("{\"__metadata__\":{},\"__metadata__\":{}}", 0),
       data_loss, "\"__metadata__\" twice"},
      {"MetadataNumber", safetensors_bytes("{\"__metadata__\":{\"a\":1}}", 0), data_loss,
       "wrong type"},
      {"MetadataNested", safetensors_bytes("{\"__metadata__\":{\"a\":{}}}", 0), data_loss,
       "header"},
      {"LongName",
       safetensors_bytes(
           object(entry(std::string(kMaxTensorNameBytes + 1, 'n'), "U8", "[0]", "[0,0]")), 0),
       data_loss, "a tensor name of 513 bytes"},
      {"Pickle", "\x80\x02}q\x01.........", invalid_argument, "pickle"},
      {"Zip", std::string("PK\x03\x04") + "........", invalid_argument, "zip"},
      {"Gguf", "GGUF....................", invalid_argument, "GGUF"},
      {"LfsPointer", "version https://git-lfs.github.com/spec/v1\n", invalid_argument, "Git LFS"},
      {"HtmlPage", "<!DOCTYPE html><html><head><title>sign in</title></head></html>",
       invalid_argument, "an HTML page"},
      {"HtmlBehindSpace", "\n  <html lang=\"en\"><body>Access is restricted</body></html>",
       invalid_argument, "an HTML page"},
      {"JsonText", "{\"error\": \"Invalid username or password.\"}", invalid_argument,
       "a JSON text"},
      {"Zeros", std::string(4096, '\0'), data_loss, "does not start with '{'"},
      {"Ones", std::string(4096, '\xff'), data_loss, "bytes"},
  };
}

class BrokenSafetensors : public ::testing::TestWithParam<BrokenFile> {};

TEST_P(BrokenSafetensors, IsRefusedWithATypedErrorThatNamesTheFault) {
  const BrokenFile& file = GetParam();
  const Result<SafetensorsContent> content = parse_safetensors(as_bytes(file.bytes));
  ASSERT_FALSE(content.has_value());
  EXPECT_EQ(content.error().code, file.code) << content.error().message;
  EXPECT_THAT(content.error().message, HasSubstr(file.message));
}

INSTANTIATE_TEST_SUITE_P(Header, BrokenSafetensors, ::testing::ValuesIn(broken_files()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(SafetensorsReader, ReadsNamesShapesAndBytes) {
  const std::string bytes = safetensors_bytes("{\"__metadata__\":{\"format\":\"pt\"}," +
                                                  entry("b", "BF16", "[1,2]", "[4,8]") + "," +
                                                  entry("a", "U8", "[4]", "[0,4]") + "}   ",
                                              8);
  const Result<SafetensorsContent> content = parse_safetensors(as_bytes(bytes));
  ASSERT_TRUE(content.has_value()) << content.error().message;
  ASSERT_EQ(content->tensors.size(), 2u);
  EXPECT_EQ(content->tensors[0].name, "a");  // in the order of the bytes
  const FileTensor& b = content->tensors[1];
  EXPECT_EQ(b.dtype, DType::bf16);
  EXPECT_THAT(b.shape, ::testing::ElementsAre(1, 2));
  EXPECT_EQ(b.bytes[0], std::byte{4});
  EXPECT_EQ(content->metadata.at("format"), "pt");
}

TEST(SafetensorsReader, TakesAHeaderWhoseLengthBeginsLikeAPickle) {
  for (const std::size_t length : {0x280u, 0x380u, 0x480u}) {
    std::string header = object(entry("a", "U8", "[4]", "[0,4]"));
    header.resize(length, ' ');
    const Result<SafetensorsContent> content =
        parse_safetensors(as_bytes(safetensors_bytes(header, 4)));
    EXPECT_TRUE(content.has_value()) << (content ? "" : content.error().message);
  }
}

TEST(SafetensorsReader, AcceptsScalarsEmptyTensorsAndNoTensorAtAll) {
  const std::string bytes = safetensors_bytes(
      object(entry("scalar", "F64", "[]", "[0,8]") + "," + entry("none", "F32", "[0,7]", "[8,8]")),
      8);
  const Result<SafetensorsContent> content = parse_safetensors(as_bytes(bytes));
  ASSERT_TRUE(content.has_value()) << content.error().message;
  EXPECT_EQ(content->tensors[0].elements(), 1);
  EXPECT_EQ(content->tensors[1].elements(), 0);
  EXPECT_TRUE(parse_safetensors(as_bytes(safetensors_bytes("{}", 0))).has_value());
}

TEST(SafetensorsReader, KeepsTypesThatTheEngineDoesNotKnow) {
  const std::string bytes = safetensors_bytes(
      object(entry("x", "F8_E4M3", "[3]", "[0,3]") + "," + entry("y", "F6_E2M3", "[4]", "[3,6]")),
      6);
  const Result<SafetensorsContent> content = parse_safetensors(as_bytes(bytes));
  ASSERT_TRUE(content.has_value()) << content.error().message;
  EXPECT_EQ(content->tensors[0].dtype, DType::other);
  EXPECT_EQ(content->tensors[0].dtype_name, "F8_E4M3");
}

TEST(SafetensorsReader, ReadsDataAtAnOddAddress) {
  const std::string bytes = safetensors_bytes(object(entry("x", "F32", "[1]", "[0,4]")) + " ", 4);
  const Result<SafetensorsContent> content = parse_safetensors(as_bytes(bytes));
  ASSERT_TRUE(content.has_value()) << content.error().message;
  EXPECT_EQ(content->tensors[0].bytes[3], std::byte{3});
}

TEST(SafetensorsReader, EscapesControlCharactersOfNamesInMessages) {
  const std::string bytes =
      safetensors_bytes(object(entry("a\\u0007\\nb", "Q1", "[1]", "[0,4]")), 4);
  const Result<SafetensorsContent> content = parse_safetensors(as_bytes(bytes));
  ASSERT_FALSE(content.has_value());
  EXPECT_THAT(content.error().message, HasSubstr("a\\x07\\x0ab"));
}

TEST(SafetensorsFile, NamesTheKindOfThingThatIsNoFile) {
  const TestFolder folder;
  const auto code = [](const fs::path& path) {
    const Result<SafetensorsFile> file = SafetensorsFile::open(path);
    return file ? ErrorCode::unknown : file.error().code;
  };
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code(folder.path() / "missing"), ErrorCode::not_found);
  EXPECT_EQ(code(folder.path()), ErrorCode::invalid_argument);
  EXPECT_EQ(code(folder.path() / "pipe"), ErrorCode::invalid_argument);
  EXPECT_EQ(code("/dev/zero"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(folder.write("empty", "")), ErrorCode::data_loss);
}

TEST(SafetensorsFile, SaysSoWhenTheFileIsCutWhileItIsMapped) {
  const TestFolder folder;
  constexpr std::size_t kDataBytes = 1 << 20;
  const fs::path path = folder.write(
      "x.safetensors",
      safetensors_bytes(object(entry("x", "U8", "[1048576]", "[0,1048576]")), kDataBytes));
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  ASSERT_TRUE(file->intact().has_value());
  fs::resize_file(path, 4096);
  // The lost pages read as zeros instead of killing the process.
  EXPECT_EQ(file->find("x")->bytes[kDataBytes - 1], std::byte{0});
  const Result<> intact = file->intact();
  ASSERT_FALSE(intact.has_value());
  EXPECT_EQ(intact.error().code, ErrorCode::data_loss);
}

TEST(SafetensorsFile, RemembersALostPageAfterTheFileGrewAgain) {
  const TestFolder folder;
  const fs::path path = folder.write(
      "x.safetensors", safetensors_bytes(object(entry("x", "U8", "[65536]", "[0,65536]")), 65536));
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const auto size = fs::file_size(path);
  fs::resize_file(path, 4096);
  EXPECT_EQ(file->find("x")->bytes[65535], std::byte{0});
  fs::resize_file(path, size);
  EXPECT_FALSE(file->intact().has_value());
}

TEST(SafetensorsFile, SaysSoWhenTheFileIsOverwrittenInPlace) {
  const TestFolder folder;
  const fs::path path =
      folder.write("x.safetensors", safetensors_bytes(object(entry("x", "U8", "[8]", "[0,8]")), 8));
  fs::last_write_time(path, fs::last_write_time(path) - std::chrono::hours(1));
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  ASSERT_TRUE(file->intact().has_value());
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(-1, std::ios::end)
      << '!';
  const Result<> intact = file->intact();
  ASSERT_FALSE(intact.has_value());
  EXPECT_EQ(intact.error().code, ErrorCode::data_loss);
  EXPECT_EQ(intact.error().message, "x.safetensors: the file was written to while it was in use");
}

TEST(SafetensorsFile, OpensEveryRecordedRun) {
  std::size_t count = 0;
  for (const fs::directory_entry& entry_of : fs::directory_iterator(kGolden)) {
    if (entry_of.path().extension() != ".safetensors") continue;
    ++count;
    const Result<SafetensorsFile> file = SafetensorsFile::open(entry_of.path());
    ASSERT_TRUE(file.has_value()) << file.error().message;
    EXPECT_FALSE(file->tensors().empty());
  }
  EXPECT_GE(count, 20u);
}

TEST(SafetensorsWriter, WritesTheBytesOfTheReferenceWriter) {
  // What safetensors 0.8.0 (Python) makes of these two tensors and this metadata.
  const std::string header =
      "{\"__metadata__\":{\"k\":\"v\"},"
      "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
      "\"a\":{\"dtype\":\"U8\",\"shape\":[3,1],\"data_offsets\":[8,11]}}";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  const TestFolder folder;
  const fs::path path = folder.path() / "out.safetensors";
  const std::array<float, 2> b = {1.0f, -2.0f};
  const std::array<std::uint8_t, 3> a = {7, 8, 9};
  const std::array<TensorToWrite, 2> tensors = {
      TensorToWrite{"a", DType::u8, {3, 1}, std::as_bytes(std::span(a))},
      TensorToWrite{"b", DType::f32, {2}, std::as_bytes(std::span(b))}};
  const Result<> written = write_safetensors(path, tensors, {{"k", "v"}});
  ASSERT_TRUE(written.has_value()) << written.error().message;
  std::string expected = safetensors_bytes(padded, 0);
  expected.append(reinterpret_cast<const char*>(b.data()), 8);
  expected.append(reinterpret_cast<const char*>(a.data()), 3);
  EXPECT_EQ(bytes_in(path), expected);
}

TEST(SafetensorsWriter, RepeatsARecordedRunByteForByte) {
  const fs::path golden = kGolden / "a1-square.golden.safetensors";
  const Result<SafetensorsFile> file = SafetensorsFile::open(golden);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  std::vector<TensorToWrite> tensors;
  for (const FileTensor& tensor : file->tensors())
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
  std::reverse(tensors.begin(), tensors.end());
  const TestFolder folder;
  ASSERT_TRUE(write_safetensors(folder.path() / "copy", tensors, file->metadata()).has_value());
  const Result<SafetensorsFile> copy = SafetensorsFile::open(folder.path() / "copy");
  ASSERT_TRUE(copy.has_value()) << copy.error().message;
  EXPECT_EQ(copy->metadata(), file->metadata());
  // The metadata's order is free; behind the header everything stands where it stood.
  const std::string before = bytes_in(golden);
  const std::string after = bytes_in(folder.path() / "copy");
  ASSERT_EQ(before.size(), after.size());
  const std::size_t data_bytes = static_cast<std::size_t>(file->tensors().back().bytes.data() +
                                                          file->tensors().back().bytes.size() -
                                                          file->tensors().front().bytes.data());
  EXPECT_EQ(before.substr(before.size() - data_bytes), after.substr(after.size() - data_bytes));
}

TEST(SafetensorsWriter, LeavesNothingBehindWhereItMayNotWrite) {
  const TestFolder folder;
  const Result<> written = write_safetensors(folder.path() / "no" / "such.safetensors", {});
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, ErrorCode::not_found);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(SafetensorsWriter, ReportsAFullDisk) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const TestFolder folder;
  // The partial file is a link to a device that is always full.
  fs::create_symlink("/dev/full", folder.path() / "x.partial");
  const Result<> written = write_safetensors(folder.path() / "x", {});
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, ErrorCode::storage_full);
}

}  // namespace
}  // namespace imagined::engine
