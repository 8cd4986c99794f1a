// What a server needs from the machine, said before it is started.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"

namespace imagined::cli {

/// Each says what is wrong, none when nothing is.
std::optional<std::string> data_dir_problem(const std::string& data_dir);
std::optional<std::string> address_problem(const config::ListenAddress& address);
std::optional<std::string> model_path_problem(const config::ModelSettings& model);
std::optional<std::string> descriptor_problem(std::int64_t descriptors,
                                              std::int64_t connections_max);

}  // namespace imagined::cli
