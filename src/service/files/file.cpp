#include "service/files/file.h"

#include <fmt/core.h>

namespace imagined::service {

Result<void> check_file_count(std::int64_t count, std::int64_t files_max) {
  if (count < files_max) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("the team has {} files, at most {} are kept; delete some", count, files_max),
      "file");
}

}  // namespace imagined::service
