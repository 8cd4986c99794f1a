// The process around a command: its signals, limits, environment and own file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>

#include "config/config.h"

namespace imagined::cli {

/// The running program.
std::filesystem::path this_executable();

/// The variables that we were started with.
config::Environment process_environment();

/// Seconds of a clock that never runs backwards.
double seconds_now();

/// A stop token that SIGINT, SIGTERM and the end of the terminal (SIGHUP, unless whoever started us
/// has it ignored, as nohup does) request; a second one ends the process. SIGUSR1 and SIGUSR2, by
/// which other servers open their logs again and which would end us without a word, change nothing
/// but the log. To be called before any thread is started, for a thread that does not block them
/// would die of them.
std::stop_token stop_on_signals();

/// For processes that keep state. A reader of our log that went away and a write beyond the limit
/// of file sizes then fail like a full disk instead of ending the process; the ends of children
/// are told, even if whoever started us ignored them; files that are made are for their owner only.
void prepare_to_serve();

/// Descriptors that a server needs beside those of its connections: database, pictures, workers.
inline constexpr std::int64_t kOwnDescriptors = 64;

/// Raises the limit of open files as far as it may be raised; what it is then.
std::int64_t raise_descriptor_limit();

/// How many connections fit under a limit of open files. Clients that are turned away hold theirs
/// while they are told why.
struct ConnectionRoom {
  std::int64_t served = 0;   // by HTTP
  std::int64_t by_grpc = 0;  // of which each carries many calls, and holds three descriptors
  std::int64_t turned_away = 0;
};

/// At most `wanted` served ones, and a tenth as many by gRPC.
ConnectionRoom connections_within(std::int64_t descriptors, std::int64_t wanted);

/// The limit of open files under which all that are wanted fit.
std::int64_t descriptors_for(std::int64_t connections);

}  // namespace imagined::cli
