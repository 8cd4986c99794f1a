#include "cli/preview.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace imagined::cli {
namespace {

PreviewProtocol detect(std::map<std::string, std::string> variables) {
  return detect_preview([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(DetectPreview, KnowsTerminalsByTheirNames) {
  EXPECT_EQ(detect({{"TERM", "xterm-kitty"}}), PreviewProtocol::kitty);
  EXPECT_EQ(detect({{"TERM_PROGRAM", "iTerm.app"}}), PreviewProtocol::iterm2);
  EXPECT_EQ(detect({{"TERM_PROGRAM", "WezTerm"}}), PreviewProtocol::iterm2);
  EXPECT_EQ(detect({{"TERM", "xterm-256color"}}), PreviewProtocol::none);
}

TEST(DetectPreview, IsNoneInsideAMultiplexer) {
  EXPECT_EQ(detect({{"KITTY_WINDOW_ID", "1"}, {"TMUX", "/x"}}), PreviewProtocol::none);
}

TEST(PreviewEscape, CutsTheDataOfKittyIntoPieces) {
  const std::vector<std::uint8_t> png(3100);  // 4136 bytes in base64
  const std::string text = preview_escape(PreviewProtocol::kitty, png);
  EXPECT_TRUE(text.starts_with("\x1b_Gf=100,a=T,q=2,m=1;"));
  EXPECT_NE(text.find("\x1b\\\x1b_Gm=0;"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\x1b\\\n"));
}

TEST(PreviewEscape, TellsITermTheSize) {
  const std::vector<std::uint8_t> png = {1, 2, 3};
  EXPECT_EQ(preview_escape(PreviewProtocol::iterm2, png),
            "\x1b]1337;File=inline=1;size=3;height=24:AQID\x07\n");
}

}  // namespace
}  // namespace imagined::cli
