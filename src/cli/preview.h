// Pictures inside a terminal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace imagined::cli {

/// How a terminal is told to show a picture.
enum class PreviewProtocol : std::uint8_t { none, kitty, iterm2 };

/// From what terminals say of themselves in the environment.
PreviewProtocol detect_preview(
    const std::function<std::optional<std::string>(const char*)>& environment);

/// The bytes that show a PNG file.
std::string preview_escape(PreviewProtocol protocol, std::span<const std::uint8_t> png);

/// What `--preview` says: "kitty", "iterm2", "off", or "auto": what stderr can, if it is a
/// terminal.
PreviewProtocol choose_preview(std::string_view word);

/// Shows it on stderr.
void show_preview(PreviewProtocol protocol, std::span<const std::uint8_t> png);

}  // namespace imagined::cli
