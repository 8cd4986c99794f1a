#include "cli/exit_code.h"

#include <fmt/format.h>

#include <cstdio>

namespace imagined::cli {

ExitCode exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unprocessable:
    case ErrorCode::out_of_range:
    case ErrorCode::payload_too_large:
    case ErrorCode::unsupported_media_type:
    case ErrorCode::data_loss:
      return kExitBadData;
    case ErrorCode::not_found:
      return kExitNoInput;
    case ErrorCode::unavailable:
    case ErrorCode::failed_precondition:
    case ErrorCode::unimplemented:
      return kExitUnavailable;
    case ErrorCode::storage_full:
      return kExitNoOutput;
    case ErrorCode::resource_exhausted:
    case ErrorCode::deadline_exceeded:
    case ErrorCode::aborted:
      return kExitTemporary;
    case ErrorCode::cancelled:
      return kExitInterrupted;
    case ErrorCode::internal:
      return kExitInternal;
    case ErrorCode::unknown:
    case ErrorCode::already_exists:
    case ErrorCode::permission_denied:
    case ErrorCode::unauthenticated:
    case ErrorCode::method_not_allowed:
    case ErrorCode::misdirected:
    case ErrorCode::gone:
      break;
  }
  return kExitFailure;
}

ExitCode report(const Error& error) { return report(exit_code(error.code), error); }

ExitCode report(ExitCode status, const Error& error) {
  // A configuration tells all its faults at once, one line each.
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    end = error.message.find('\n', at);
    fmt::print(stderr, "imagined: {}\n", error.message.substr(at, end - at));
  }
  if (!error.detail.empty()) fmt::print(stderr, "  {}\n", error.detail);
  return status;
}

const char* exit_code_help() {
  return "Exit status: 0 done; 1 a check failed; 64 wrong command line; 65 wrong input (prompt,\n"
         "picture, weights); 66 a file or model is missing; 69 something is not available; 70 our\n"
         "mistake; 73 a result cannot be written; 75 try again later; 78 wrong configuration;\n"
         "130 interrupted.";
}

}  // namespace imagined::cli
