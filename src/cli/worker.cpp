// imagined worker: one device's engine, which takes jobs from the database.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/crypto.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/decode.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/wiring.h"
#include "engine/engine.h"
#include "worker/wire.h"
#include "worker/worker.h"

namespace imagined::cli {
namespace {

struct WorkerOptions {
  ConfigFlags flags;
  int wire_fd = -1;
  std::string id;
};

// Our end of the wire to the server. Without a server that started us, both ends are ours and the
// database alone says what to do.
Result<worker::WirePair> take_wire(const WorkerOptions& options) {
  if (options.wire_fd < 0) return worker::make_wire();
  // A server that is gone has nobody to report to, and whoever starts next needs the device.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return worker::WirePair{-1, options.wire_fd};
}

int run_worker(const WorkerOptions& options) {
  const std::stop_token stop = stop_on_signals();
  prepare_to_serve();
  const bool alone = options.wire_fd < 0;
  const auto config = load_config(options.flags, {}, BuiltInModel::needed,
                                  alone ? Warnings::said : Warnings::silent);
  if (!config) return report(kExitConfig, config.error());
  const auto catalogue = make_catalogue(*config);
  if (!catalogue) return report(kExitConfig, catalogue.error());
  const auto stores = Stores::open(config->settings, StoreUser::worker);
  if (!stores) return report(stores.error());
  const auto ends = take_wire(options);
  if (!ends) return report(ends.error());
  worker::Wire wire(ends->worker_fd);
  const auto load_engine = [&](const service::Model& model) {
    const auto settings = choose_model(*config, model.id);
    if (!settings) return Result<std::unique_ptr<engine::Engine>>(tl::unexpected(settings.error()));
    return engine::Engine::load(load_options(*config, *settings));
  };
  const auto moderation = make_moderation(config->settings, **stores);
  if (!moderation) return report(kExitConfig, moderation.error());
  service::Moderator& moderator = (*moderation)->moderator;
  decoder::Decoder decoder(own_decoder());
  worker::Worker worker({.catalogue = *catalogue,
                         .jobs = (*stores)->jobs(),
                         .blobs = (*stores)->blobs(),
                         .wire = wire,
                         .decoder = decoder,
                         .clock = (*stores)->clock(),
                         .load_engine = load_engine,
                         .moderator = moderator.judges_pictures() ? &moderator : nullptr},
                        {.id = options.id.empty() ? random_base62(12) : options.id,
                         // A hung device comes back only with a new process; whoever started us
                         // starts it.
                         .on_stuck = [] { std::_Exit(kExitUnavailable); },
                         .jpeg_quality = static_cast<int>(config->settings.jpeg_quality),
                         .video_codec = video::codec_named(config->settings.video_codec)});
  if (const auto loaded = worker.load(); !loaded) return report(loaded.error());
  worker.run(stop);
  return kExitOk;
}

}  // namespace

Command worker_command() {
  const auto options = std::make_shared<WorkerOptions>();
  Command command{"worker", "Take jobs from a data folder and make pictures"};
  command.options = {
      {"--wire-fd",
       &options->wire_fd,
       "Descriptor of the server that started us",
       {},
       OptionGroup::hidden},
      {"--id", &options->id, "Name of this worker in the database [random]"},
  };
  add_config_options(
      command, options->flags,
      {"data_dir", "models_dir", "device", "precision", "long_prompt", "threads", "log_level"});
  command.footer =
      "`imagined serve` starts its own worker; this is for a second one on the same data.";
  command.run = [options] { return run_worker(*options); };
  return command;
}

}  // namespace imagined::cli
