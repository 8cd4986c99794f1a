// What a server needs from the machine, said before it is started.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "config/listen_address.h"

namespace imagined::cli {

/// Each says what is wrong, none when nothing is.
std::optional<std::string> data_dir_problem(const std::string& data_dir);
std::optional<std::string> address_problem(std::string_view setting,
                                           const config::ListenAddress& address);
/// That a server uses this folder now is a problem, too.
std::optional<std::string> data_dir_use_problem(const std::string& data_dir);
/// Looks for all parts of the model, as loading does.
std::optional<std::string> model_problem(const config::Config& config,
                                         const config::ModelSettings& model);
/// That its key is not there.
std::optional<std::string> upstream_problem(const config::UpstreamSettings& upstream,
                                            const config::Environment& environment);
std::optional<std::string> descriptor_problem(std::int64_t descriptors,
                                              std::int64_t connections_max);

}  // namespace imagined::cli
