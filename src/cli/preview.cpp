#include "cli/preview.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/crypto.h"

namespace imagined::cli {
namespace {

// The kitty protocol takes base64 in pieces of at most this many bytes.
constexpr std::size_t kKittyChunkBytes = 4096;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string kitty_escape(const std::string& base64) {
  std::string text;
  for (std::size_t at = 0; at < base64.size(); at += kKittyChunkBytes) {
    const bool more = at + kKittyChunkBytes < base64.size();
    // f=100: the data is PNG; a=T: transmit and display; q=2: no answer; m: more to come.
    text += fmt::format("\x1b_G{}m={};{}\x1b\\", at == 0 ? "f=100,a=T,q=2," : "", more ? 1 : 0,
                        std::string_view(base64).substr(at, kKittyChunkBytes));
  }
  return text + "\n";
}

}  // namespace

PreviewProtocol detect_preview(
    const std::function<std::optional<std::string>(const char*)>& environment) {
  const auto is = [&](const char* name, std::string_view value) {
    return environment(name).value_or("") == value;
  };
  // A multiplexer between us and the terminal swallows the escapes.
  if (environment("TMUX") || environment("STY")) return PreviewProtocol::none;
  if (environment("KITTY_WINDOW_ID") || is("TERM", "xterm-kitty") ||
      is("TERM_PROGRAM", "ghostty")) {
    return PreviewProtocol::kitty;
  }
  if (is("TERM_PROGRAM", "iTerm.app") || is("LC_TERMINAL", "iTerm2") ||
      is("TERM_PROGRAM", "WezTerm") || is("TERM_PROGRAM", "mintty")) {
    return PreviewProtocol::iterm2;
  }
  return PreviewProtocol::none;
}

std::string preview_escape(PreviewProtocol protocol, std::span<const std::uint8_t> png) {
  if (protocol == PreviewProtocol::none) return {};
  const std::string base64 = to_base64(png);
  if (protocol == PreviewProtocol::kitty) return kitty_escape(base64);
  return fmt::format("\x1b]1337;File=inline=1;size={};height=24:{}\x07\n", png.size(), base64);
}

PreviewProtocol choose_preview(std::string_view word) {
  if (word == "kitty") return PreviewProtocol::kitty;
  if (word == "iterm2") return PreviewProtocol::iterm2;
  if (word == "off" || isatty(STDERR_FILENO) != 1) return PreviewProtocol::none;
  return detect_preview(variable);
}

void show_preview(PreviewProtocol protocol, std::span<const std::uint8_t> png) {
  const std::string text = preview_escape(protocol, png);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace imagined::cli
