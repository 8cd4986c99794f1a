// A file read whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined {

/// The bytes of a file of at most `bytes_max`. `name` is what errors call it ("NAME: no such
/// file"); the path goes to their detail. Errors: `not_found`; `permission_denied`;
/// `invalid_argument` for what is no regular file (a pipe would make the reader wait for a writer)
/// or is larger; `data_loss` when reading fails.
Result<std::string> read_file(const std::filesystem::path& path, std::string_view name,
                              std::size_t bytes_max);

/// The same under the file's name without its folders, which keeps paths out of messages.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max);

}  // namespace imagined
