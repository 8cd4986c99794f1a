// How Git names a file's content; hubs tell of small files what it should be.
#pragma once

#include <string>
#include <string_view>

namespace imagined {

/// SHA-1 of "blob SIZE\0" and the bytes, in hexadecimal digits.
std::string git_blob_name(std::string_view bytes);

}  // namespace imagined
