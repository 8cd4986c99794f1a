// What the program's exit status says; numbers of sysexits.h.
#pragma once

#include "base/result.h"

namespace imagined::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,       // the answer is no: a check failed
  kExitUsage = 64,        // the command line is wrong
  kExitBadData = 65,      // the input is wrong: prompt, picture, weights
  kExitNoInput = 66,      // a file or model is not there
  kExitUnavailable = 69,  // a service or the data directory cannot be used
  kExitInternal = 70,     // our mistake
  kExitNoOutput = 73,     // a result cannot be written
  kExitTemporary = 75,    // try again later
  kExitConfig = 78,       // the configuration is wrong
  kExitInterrupted = 130,
};

/// The status for an error of the domain or the engine.
ExitCode exit_code(ErrorCode code);

/// Prints "imagined: message" on stderr and returns the status.
ExitCode report(const Error& error);
ExitCode report(ExitCode status, const Error& error);

/// The text about exit codes that `--help` ends with.
const char* exit_code_help();

}  // namespace imagined::cli
