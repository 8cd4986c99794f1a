// This program as the child that decodes pictures (decoder/decoder.h).
#pragma once

#include <optional>
#include <span>
#include <string>

#include "decoder/decoder.h"

namespace imagined::cli {

/// A decoder whose children are this program.
decoder::DecoderOptions own_decoder();

/// Runs as such a child when the words say so, and returns its exit status. It is no command of a
/// person's: it has no help, no settings and no log.
std::optional<int> run_as_decoder(std::span<const std::string> words);

}  // namespace imagined::cli
