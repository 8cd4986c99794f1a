// Pictures inside a terminal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace imagined::cli {

/// How a terminal is told to show a picture.
enum class PreviewProtocol : std::uint8_t { none, kitty, iterm2 };

/// From what terminals say of themselves in the environment.
PreviewProtocol detect_preview(
    const std::function<std::optional<std::string>(const char*)>& environment);

/// The bytes that show a PNG file.
std::string preview_escape(PreviewProtocol protocol, std::span<const std::uint8_t> png);

/// Shows it on stderr when that is a terminal that can, else does nothing.
void show_preview(std::span<const std::uint8_t> png);

/// Whether `show_preview` would show something.
bool can_preview();

}  // namespace imagined::cli
