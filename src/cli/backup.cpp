// imagined backup, imagined restore: all that a server keeps, to another folder and back.
#include <fmt/core.h>

#include <cstdio>

#include "base/json_text.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/wiring.h"

namespace imagined::cli {
namespace {

struct BackupOptions {
  ConfigFlags flags;
  std::string folder;
  bool json = false;
};

int say(const BackupOptions& options, const Result<CopiedData>& copied, const std::string& to) {
  if (!copied) return report(copied.error());
  if (options.json) {
    fmt::print("{}\n", JsonText::object({{"folder", to},
                                         {"files", copied->files},
                                         {"bytes", copied->bytes},
                                         {"damaged", copied->damaged}})
                           .text());
  } else {
    fmt::print("{}: {} pictures, {} bytes\n", to, copied->files, copied->bytes);
  }
  if (copied->damaged == 0) return kExitOk;
  return report(
      Error{ErrorCode::data_loss,
            fmt::format("{} files of pictures are damaged and were left out", copied->damaged)});
}

int backup(const BackupOptions& options) {
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  return say(options, copy_data(config->settings.data_dir, options.folder), options.folder);
}

int restore(const BackupOptions& options) {
  const auto config = load_config(options.flags, {}, BuiltInModel::dispensable);
  if (!config) return report(kExitConfig, config.error());
  const std::string& data_dir = config->settings.data_dir;
  return say(options, copy_data(options.folder, data_dir), data_dir);
}

Command copying(const char* name, const char* help, const char* folder_help, const char* footer,
                int (*run)(const BackupOptions&)) {
  const auto options = std::make_shared<BackupOptions>();
  Command command{name,
                  help,
                  {{"folder", &options->folder, folder_help, {.required = true}},
                   {"--json", &options->json, kJsonHelp}}};
  add_config_options(command, options->flags, {"data_dir", "log_level"});
  command.footer = footer;
  command.run = [options, run] { return run(*options); };
  return command;
}

}  // namespace

Command backup_command() {
  return copying(
      "backup", "Copy everything that a server keeps to a new folder",
      "The new folder; it must not be there yet",
      "Works while the server runs: the copy is of one moment. It is a data folder: keys, "
      "jobs,\nbooks, audit log, pictures, and the secrets, so keep it as safe as the "
      "first.\nExample:\n"
      "  imagined backup /backups/2026-11-29",
      backup);
}

Command restore_command() {
  return copying("restore", "Make a data folder from a backup",
                 "The folder that `imagined backup` has made",
                 "Nothing is overwritten: move the old data folder away first. Jobs that had not "
                 "ended at the\nbackup are made when the server starts.\nExample:\n"
                 "  imagined restore /backups/2026-11-29 --data-dir /var/lib/imagined",
                 restore);
}

}  // namespace imagined::cli
