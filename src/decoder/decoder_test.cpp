#include "decoder/decoder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "base/crc32.h"
#include "decoder/messages.h"
#include "decoder/sandbox.h"
#include "image/encode.h"
#include "video/clip_file.h"

namespace imagined::decoder {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

DecoderOptions options(const std::string& behaviour = "honest") {
  return {.executable = "/proc/self/exe", .arguments = {"decode", behaviour}};
}

Bytes stripes(int width, int height, image::Format format) {
  image::Picture picture{.width = width, .height = height, .channels = 3, .pixels = {}};
  for (int i = 0; i < width * height * 3; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 7));
  return *image::encode(picture.view(), format);
}

Bytes example(const char* name) {
  std::ifstream in(std::string(IMAGINED_SOURCE_DIR) + "/tests/fuzz/corpus/image/" + name,
                   std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// A square PNG as far as the first of its pixels: what a decoder asks memory for.
Bytes png_beginning(std::uint32_t side) {
  const std::string size = {static_cast<char>(side >> 24), static_cast<char>(side >> 16),
                            static_cast<char>(side >> 8), static_cast<char>(side)};
  const std::string header = "IHDR" + size + size + std::string("\x08\x02\0\0\0", 5);
  const std::uint32_t crc = crc32(header);
  std::string file = "\x89PNG\r\n\x1A\n" + std::string("\0\0\0\x0D", 4) + header;
  for (const int shift : {24, 16, 8, 0}) file += static_cast<char>(crc >> shift);
  file += std::string("\0\0\0\x10IDAT", 8);
  return {file.begin(), file.end()};
}

std::string error_of(const Result<image::Picture>& result) {
  return result ? "none" : result.error().field + ": " + result.error().message;
}

TEST(Decoder, DecodesAsTheLibraryDoes) {
  Decoder decoder(options());
  for (const Bytes& file :
       {stripes(31, 17, image::Format::png), stripes(16, 40, image::Format::jpeg), example("png4"),
        example("webp-lossy-alpha"), example("jpeg")}) {
    const auto expected = image::decode(file);
    const auto picture = decoder.decode(file);
    ASSERT_TRUE(expected && picture) << error_of(picture);
    EXPECT_EQ(picture->width, expected->width);
    EXPECT_EQ(picture->channels, expected->channels);
    EXPECT_EQ(picture->pixels, expected->pixels);
  }
}

TEST(Decoder, MakesPicturesAboveTheLimitsSmallerAsTheLibraryDoes) {
  Decoder decoder(options());
  const image::DecodeLimits limits{.side_px_max = 16};
  for (const Bytes& file : {stripes(31, 17, image::Format::png),
                            stripes(16, 40, image::Format::jpeg), example("webp-lossy-alpha")}) {
    const auto expected = image::decode(file, limits);
    const auto picture = decoder.decode(file, limits);
    ASSERT_TRUE(expected && picture) << error_of(picture);
    EXPECT_LE(std::max(picture->width, picture->height), 16);
    EXPECT_EQ(picture->width, expected->width);
    EXPECT_EQ(picture->pixels, expected->pixels);
  }
}

TEST(Decoder, HonoursColourProfilesUnlessColoursAreWantedAsStored) {
  Decoder decoder(options());
  for (const char* name : {"png-display-p3", "png-codes", "jpeg-table", "jpeg-grey-profile"}) {
    const Bytes file = example(name);
    const auto as_srgb = decoder.decode(file);
    const auto as_stored = decoder.decode(file, {}, image::Colours::as_stored);
    ASSERT_TRUE(as_srgb && as_stored) << name << ": " << error_of(as_srgb);
    EXPECT_EQ(as_srgb->pixels, image::decode(file)->pixels) << name;
    EXPECT_EQ(as_stored->pixels, image::decode(file, {}, image::Colours::as_stored)->pixels);
    EXPECT_NE(as_srgb->pixels, as_stored->pixels) << name;
  }
}

TEST(Decoder, SaysWhatTheLibrarySays) {
  Decoder decoder(options());
  Bytes cut = stripes(64, 64, image::Format::png);
  cut.resize(cut.size() / 2);
  EXPECT_EQ(error_of(decoder.decode(cut)), error_of(image::decode(cut)));
  EXPECT_THAT(error_of(decoder.decode(cut)), HasSubstr("image: the image is a broken or cut png"));
  EXPECT_EQ(error_of(decoder.decode({})), "image: the image is empty");
  EXPECT_THAT(error_of(decoder.decode(stripes(64, 64, image::Format::png),
                                      {.side_px_max = 63, .stored_side_px_max = 63})),
              HasSubstr("at most 63 per side"));
  // And goes on.
  EXPECT_TRUE(decoder.decode(stripes(8, 8, image::Format::png)));
}

TEST(Decoder, UsesAChildAgain) {
  Decoder decoder(options("once-per-process"));
  const Bytes file = stripes(8, 8, image::Format::png);
  ASSERT_TRUE(decoder.decode(file));
  // This kind of child answers its second request with an error, which names it.
  EXPECT_EQ(error_of(decoder.decode(file)), "image: asked again");
}

TEST(Decoder, ReplacesAChildThatHasWorkedForLongEnough) {
  DecoderOptions brief = options("once-per-process");
  brief.child_time = milliseconds(0);
  Decoder decoder(brief);
  const Bytes file = stripes(8, 8, image::Format::png);
  ASSERT_TRUE(decoder.decode(file));
  EXPECT_TRUE(decoder.decode(file));  // by another one: the first would be asked again
}

/// A clip of the given number of frames; each is grey, four levels lighter than the one before.
Bytes clip(int frames, video::Codec codec = video::Codec::h264) {
  auto file = video::ClipFile::begin({.width = 48, .height = 32, .frames_per_second = 4}, codec);
  EXPECT_TRUE(file);
  for (int i = 0; i < frames; ++i) {
    image::Picture picture{.width = 48, .height = 32, .channels = 3, .pixels = {}};
    picture.pixels.assign(48 * 32 * 3, static_cast<std::uint8_t>(100 + 4 * i));
    EXPECT_TRUE(file->add(picture.view()));
  }
  return file->finish();
}

TEST(DecodeVideo, GivesTheFramesInTheirOrder) {
  Decoder decoder(options());
  for (const auto& [frames, codec] : {std::pair{1, video::Codec::h264},
                                      {20, video::Codec::h264},
                                      {1, video::Codec::av1},
                                      {20, video::Codec::av1}}) {
    const auto video = decoder.decode_video(clip(frames, codec));
    ASSERT_TRUE(video) << video.error().message << ": " << video.error().detail;
    EXPECT_EQ(video->width, 48);
    EXPECT_EQ(video->height, 32);
    EXPECT_EQ(video->seconds, frames / 4.0);
    ASSERT_EQ(video->count, frames);
    for (int i = 0; i < frames; ++i)
      EXPECT_NEAR(video->picture(i).pixels[777], 100 + 4 * i, 1) << i;
  }
  // And goes on with pictures.
  EXPECT_TRUE(decoder.decode(stripes(8, 8, image::Format::png)));
}

TEST(DecodeVideo, SaysThatItIsDamaged) {
  Decoder decoder(options());
  const auto error_of_video = [&](const Bytes& file) {
    const auto frames = decoder.decode_video(file);
    return frames ? "none" : frames.error().field + ": " + frames.error().message;
  };
  EXPECT_EQ(error_of_video(stripes(8, 8, image::Format::png)),
            "video: the video is not an MP4 file");
  Bytes spoilt = clip(3);
  std::fill(spoilt.end() - 40, spoilt.end(), std::uint8_t{0x55});
  EXPECT_EQ(error_of_video(spoilt), "video: the video could not be decoded");
  Bytes cut = clip(3);
  cut.pop_back();
  EXPECT_THAT(error_of_video(cut), HasSubstr("video: the video is cut short"));
}

TEST(DecodeVideo, BelievesNothingThatCannotBe) {
  for (const char* lie : {"wider", "crash", "mute", "short"}) {
    const auto frames = Decoder(options(lie)).decode_video(clip(1));
    ASSERT_FALSE(frames) << lie;
    EXPECT_EQ(frames.error().field, "video");
    EXPECT_EQ(frames.error().message, "the video could not be decoded") << lie;
  }
}

TEST(Decoder, DecodesForManyThreadsAtATime) {
  Decoder decoder(options());
  const Bytes file = stripes(200, 100, image::Format::png);
  std::atomic<int> decoded = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&] {
        if (decoder.decode(file)) ++decoded;
      });
  }
  EXPECT_EQ(decoded, 6);
}

TEST(Decoder, TurnsACrashIntoAnError) {
  Decoder decoder(options("crash"));
  const Bytes file = stripes(8, 8, image::Format::png);
  for (int i = 0; i < 3; ++i) {
    const auto picture = decoder.decode(file);
    EXPECT_EQ(error_of(picture), "image: the image could not be decoded");
    EXPECT_EQ(picture.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(picture.error().detail, HasSubstr("process ended: "));
  }
}

TEST(Decoder, EndsAChildThatUsesTooMuchTime) {
  const Bytes file = stripes(8, 8, image::Format::png);
  DecoderOptions busy = options("spin");
  busy.processor_time = milliseconds(50);
  EXPECT_EQ(error_of(Decoder(busy).decode(file)),
            "image: the image takes more than 50 ms to decode");
  DecoderOptions silent = options("wait");
  silent.wall_time = milliseconds(50);
  EXPECT_THAT(error_of(Decoder(silent).decode(file)), HasSubstr("takes more than"));
}

TEST(Decoder, TurnsWantOfMemoryIntoAnError) {
  if (kSanitized) GTEST_SKIP() << "memory is not limited in a build with sanitizers";
  Decoder decoder(options());
  const image::DecodeLimits none{.side_px_max = 1 << 20, .area_px_max = std::int64_t{1} << 40};
  const std::string expected = "image: the image needs more memory to decode than is allowed";
  EXPECT_EQ(error_of(decoder.decode(png_beginning(17'000), none)), expected);  // its own pixels
  EXPECT_EQ(error_of(decoder.decode(png_beginning(25'000), none)), expected);  // the shared ones
  EXPECT_TRUE(decoder.decode(stripes(8, 8, image::Format::png)));
}

TEST(Decoder, BelievesNothingThatCannotBe) {
  const Bytes file = stripes(8, 4, image::Format::png);
  for (const char* lie : {"wider", "turned", "channels", "mute", "short"}) {
    const auto picture = Decoder(options(lie)).decode(file);
    EXPECT_EQ(error_of(picture), "image: the image could not be decoded") << lie;
  }
}

TEST(Decoder, SaysThatItCannotStart) {
  DecoderOptions missing{.executable = "/nonexistent", .arguments = {}};
  EXPECT_EQ(Decoder(missing).decode(stripes(8, 8, image::Format::png)).error().code,
            ErrorCode::unavailable);
}

/// What a library that was taken over would try: each ends the process.
TEST(Sandbox, EndsTheProcessThatDoesMoreThanDecode) {
  if (kSanitized) GTEST_SKIP() << "calls are not filtered in a build with sanitizers";
  const auto locked_in = [](auto attempt) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0 || !enter_sandbox(pair[0])) _exit(2);
    attempt();
    _exit(0);
  };
  const auto by_filter = testing::KilledBySignal(SIGSYS);
  EXPECT_EXIT(locked_in([] { open("/etc/passwd", O_RDONLY); }), by_filter, "");
  EXPECT_EXIT(locked_in([] { socket(AF_INET, SOCK_STREAM, 0); }), by_filter, "");
  EXPECT_EXIT(locked_in([] { [[maybe_unused]] const pid_t pid = fork(); }), by_filter, "");
  EXPECT_EXIT(locked_in([] { execl("/bin/true", "true", nullptr); }), by_filter, "");
  EXPECT_EXIT(locked_in([] { kill(1, 0); }), by_filter, "");
  EXPECT_EXIT(locked_in([] {
                mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              }),
              by_filter, "");
  EXPECT_EXIT(locked_in([] { std::free(std::malloc(1 << 20)); }), testing::ExitedWithCode(0), "");
}

TEST(Sandbox, LeavesNothingOpenButItsSocket) {
  const auto locked_in = [] {
    int pair[2];
    const int file = open("/dev/null", O_RDONLY);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0 || !enter_sandbox(pair[0])) _exit(2);
    // close() is allowed, and tells what is open.
    _exit(close(file) == -1 && close(STDOUT_FILENO) == -1 && close(pair[0]) == 0 ? 0 : 1);
  };
  EXPECT_EXIT(locked_in(), testing::ExitedWithCode(0), "");
}

TEST(Sandbox, IsWhatTheKernelSaysOfTheProcess) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    msghdr message{};
    const bool locked = enter_sandbox(pair[0]).has_value();
    send(pair[0], locked ? "y" : "n", 1, 0);
    recvmsg(pair[0], &message, 0);
    _exit(0);
  }
  char locked = 0;
  recv(pair[1], &locked, 1, 0);
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  const std::string status{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  close(pair[0]);
  close(pair[1]);
  EXPECT_EQ(locked, 'y');
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status, testing::Not(HasSubstr("Uid:\t0")));
  EXPECT_THAT(status, HasSubstr(kSanitized ? "Seccomp:\t0" : "Seccomp:\t2"));
}

// The children of these tests, each by its name; `request` has come before they act.
int misbehave(const std::string& how, int socket) {
  const Bytes file = stripes(8, 8, image::Format::png);
  DecodeRequest request;
  const auto next = [&] {  // recv() is not among what a child may call
    iovec part{&request, sizeof request};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return recvmsg(socket, &message, 0) > 0;
  };
  const auto say = [&](const DecodeReply& reply, std::size_t size_bytes = sizeof(DecodeReply)) {
    return send(socket, &reply, size_bytes, MSG_NOSIGNAL) > 0 && next();
  };
  if (!enter_sandbox(socket) || !next()) return 1;
  if (how == "crash") *static_cast<volatile int*>(nullptr) = 1;
  if (how == "spin")
    for (volatile bool turning = true; turning;) {
    }
  if (how == "wait") next();
  if (how == "wider") say({.decoded = true, .width = 9, .height = 4, .channels = 3});
  if (how == "channels") say({.decoded = true, .width = 8, .height = 4, .channels = 5});
  if (how == "turned") say({.decoded = true, .width = 4, .height = 8, .channels = 4});
  if (how == "mute") say({.decoded = false});
  if (how == "short") say({.decoded = true, .width = 8, .height = 4, .channels = 3}, 7);
  if (how == "once-per-process" && say({.decoded = true, .width = 8, .height = 8, .channels = 3})) {
    DecodeReply again{.code = static_cast<std::uint8_t>(ErrorCode::invalid_argument)};
    std::strcpy(again.message.data(), "asked again");
    say(again);
  }
  return 0;
}

}  // namespace

int run_child(const std::string& how, int socket) {
  return how == "honest" ? decode_for_parent(socket) : misbehave(how, socket);
}

}  // namespace imagined::decoder

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "decode")
    return imagined::decoder::run_child(argv[2], std::atoi(argv[3]));
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
