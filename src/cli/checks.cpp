#include "cli/checks.h"

#include <fmt/core.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "cli/options.h"
#include "cli/process.h"
#include "engine/engine.h"
#include "storage/disk/data_dir.h"

namespace imagined::cli {

namespace fs = std::filesystem;

// By making what is missing, or a folder within, and taking it away again: rights do not tell,
// least of all to root, whether a file system, a name or a link allows it.
std::optional<std::string> data_dir_problem(const std::string& data_dir) {
  std::error_code error;
  fs::path path = fs::absolute(data_dir, error);
  if (!path.has_filename()) path = path.parent_path();
  const bool is_there = fs::exists(path, error);
  if (is_there) path /= fmt::format(".check-{}", getpid());
  const fs::path wanted = path;
  std::vector<fs::path> missing;  // the innermost first
  for (; !fs::exists(path, error) && path != path.parent_path(); path = path.parent_path())
    missing.push_back(path);
  if (!fs::is_directory(path, error))
    return fmt::format("data_dir: {} is no folder", path.string());
  fs::create_directories(wanted, error);
  for (const fs::path& made : missing) rmdir(made.c_str());
  if (!error) return std::nullopt;
  return fmt::format("data_dir: {} cannot be {}: {}", data_dir, is_there ? "written to" : "made",
                     error.message());
}

std::optional<std::string> data_dir_use_problem(const std::string& data_dir) {
  const auto holder = storage::DataDirLock::holder(data_dir);
  if (!holder) return std::nullopt;
  return fmt::format("data_dir: {}: in use by {}", data_dir, *holder);
}

std::optional<std::string> address_problem(std::string_view setting,
                                           const config::ListenAddress& address) {
  const std::string port = fmt::format("{}", address.port);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto said = [&](const char* why) {
    return fmt::format("{}: {} port {}: {}", setting, address.host, address.port, why);
  };
  if (const int error = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
      error != 0) {
    return said(gai_strerror(error));
  }
  const int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
  const int on = 1;  // as the server does: a port whose last connections linger may be had again
  std::optional<std::string> problem;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
    problem = said(std::strerror(errno));
  }
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return problem;
}

std::optional<std::string> model_problem(const config::Config& config,
                                         const config::ModelSettings& model) {
  if (model.elsewhere) return std::nullopt;
  if (model.path.empty()) {
    return fmt::format(
        "models.{}: the built-in model is not beside the program; say where with --models-dir",
        model.name);
  }
  std::error_code error;
  if (!fs::exists(model.path, error))
    return fmt::format("models.{}: path: there is no {}", model.name, model.path);
  const auto loadable = engine::check_loadable(load_options(config, model));
  if (loadable) return std::nullopt;
  return fmt::format("models.{}: {}", model.name, loadable.error().message);
}

std::optional<std::string> upstream_problem(const config::UpstreamSettings& upstream,
                                            const config::Environment& environment) {
  std::error_code error;
  if (!upstream.ca_file.empty() && !fs::exists(upstream.ca_file, error))
    return fmt::format("upstreams.{}: ca_file: there is no {}", upstream.name, upstream.ca_file);
  if (upstream.key_env.empty()) return std::nullopt;
  const auto key = environment.find(upstream.key_env);
  if (key != environment.end() && !key->second.empty()) return std::nullopt;
  return fmt::format("upstreams.{}: key_env: {} is not set in the environment", upstream.name,
                     upstream.key_env);
}

std::optional<std::string> descriptor_problem(std::int64_t descriptors,
                                              std::int64_t connections_max) {
  if (descriptors_for(connections_max) <= descriptors) return std::nullopt;
  return fmt::format(
      "connections_max: {} connections do not fit under the limit of {} open files; raise it to {} "
      "with ulimit -n or LimitNOFILE",
      connections_max, descriptors, descriptors_for(connections_max));
}

}  // namespace imagined::cli
