#pragma once

#include <cstdint>
#include <string_view>

namespace imagined {

/// CRC-32 of ISO 3309 (the one of zip and PNG): "123456789" gives 0xCBF43926. For short texts.
std::uint32_t crc32(std::string_view text);

}  // namespace imagined
