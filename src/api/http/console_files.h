// The console's pages, built into the program (tools/console_files.py).
#pragma once

#include <span>
#include <string_view>

namespace imagined::api {

struct ConsoleFile {
  std::string_view name;  // "app.js", "pages/keys.js"
  std::string_view type;
  std::string_view digest;  // another one for another content
  std::string_view text;
};

/// In the order of their names.
extern const std::span<const ConsoleFile> kConsoleFiles;

}  // namespace imagined::api
