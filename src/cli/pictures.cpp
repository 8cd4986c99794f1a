// imagined pictures: shows, exports and deletes what is kept; works with and without a running
// server, which sees a change with the next request.
#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/json_text.h"
#include "base/timestamp.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/key_command.h"
#include "cli/wiring.h"
#include "service/pictures/remove_picture.h"

namespace imagined::cli {
namespace {

using service::OwnedPicture;

constexpr int kPage = 1000;

struct PicturesOptions : KeyOptions {
  std::string key;
  std::string from;
  std::string until;
  std::string folder;
};

struct PicturesSession {
  const PicturesOptions& options;
  Period period;
  Stores& stores;
};
using PicturesWork = Result<int> (*)(const PicturesSession&);

JsonText picture_json(const OwnedPicture& each) {
  const service::StoredPicture& picture = each.picture;
  return JsonText::object({{"id", picture.id},
                           {"job", picture.job_id},
                           {"team", each.owner.team_id},
                           {"key_id", each.owner.key_id},
                           {"model", each.model},
                           {"created", picture.created_ms / 1000},
                           {"width", picture.width},
                           {"height", picture.height},
                           {"format", to_string(picture.format)},
                           {"bytes", picture.size_bytes},
                           {"seed", picture.seed}});
}

/// Calls `use` for each picture that the options mean, oldest first, until it fails.
template <class Use>
Result<void> for_each_picture(const PicturesSession& session, const Use& use) {
  const PicturesOptions& options = session.options;
  const Period& period = session.period;
  service::PictureFilter filter{.key_id = options.key,
                                .from_ms = period.from_ms,
                                .until_ms = period.until_ms,
                                .count_max = kPage};
  while (true) {
    const auto page = TRY(session.stores.archive().find_pictures(filter));
    for (const OwnedPicture& each : page) TRY(use(each));
    if (page.size() < kPage) return {};
    filter.after = page.back().picture.id;
  }
}

Result<int> list(const PicturesSession& session) {
  if (session.options.json) {
    JsonText items = JsonText::array();
    TRY(for_each_picture(session, [&](const OwnedPicture& each) -> Result<void> {
      items.push(picture_json(each));
      return {};
    }));
    fmt::print("{}\n", JsonText::object({{"pictures", items}}).text());
    return kExitOk;
  }
  fmt::print("{:<22}  {:<16}  {:<12}  {:<28}  {:<11}  {:<6}  {}\n", "ID", "CREATED (UTC)", "KEY",
             "MODEL", "PIXELS", "FORMAT", "BYTES");
  TRY(for_each_picture(session, [](const OwnedPicture& each) -> Result<void> {
    const service::StoredPicture& picture = each.picture;
    fmt::print("{:<22}  {:<16}  {:<12}  {:<28}  {:<11}  {:<6}  {}\n", picture.id,
               day_and_time(picture.created_ms, ""), each.owner.key_id, each.model,
               fmt::format("{} x {}", picture.width, picture.height), to_string(picture.format),
               picture.size_bytes);
    return {};
  }));
  return kExitOk;
}

// Each file under its picture's id. One that is damaged stops nothing, but the status says so.
Result<int> export_all(const PicturesSession& session) {
  const std::filesystem::path folder = session.options.folder;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(ErrorCode::storage_full, fmt::format("{}: {}", folder.string(), error.message()));
  JsonText items = JsonText::array();
  int lost = 0;
  const auto write = [&](const OwnedPicture& each) -> Result<void> {
    const service::StoredPicture& picture = each.picture;
    const auto bytes = session.stores.blobs().get(picture.blob);
    if (!bytes) {
      ++lost;
      fmt::print(stderr, "{}: {}\n", picture.id, bytes.error().message);
      return {};
    }
    const std::filesystem::path path =
        folder / fmt::format("{}.{}", picture.id, extension(picture.format));
    TRY(write_file(path, *bytes));
    if (session.options.json) {
      items.push(picture_json(each).add("path", path.string()));
    } else {
      fmt::print("{}\n", path.string());
    }
    return {};
  };
  TRY(for_each_picture(session, write));
  if (session.options.json)
    fmt::print("{}\n", JsonText::object({{"pictures", items}, {"lost", lost}}).text());
  return lost == 0 ? kExitOk : kExitBadData;
}

Result<std::vector<std::string>> ids_to_delete(const PicturesSession& session) {
  const PicturesOptions& options = session.options;
  std::vector<std::string> ids;
  if (!options.id.empty()) {
    ids.push_back(options.id);
    return ids;
  }
  if (options.key.empty() && options.from.empty() && options.until.empty())
    return fail(ErrorCode::invalid_argument,
                "say which: the id of a picture, or --key, --from or --until");
  TRY(for_each_picture(session, [&](const OwnedPicture& each) -> Result<void> {
    ids.push_back(each.picture.id);
    return {};
  }));
  return ids;
}

Result<int> remove(const PicturesSession& session) {
  const PicturesOptions& options = session.options;
  const std::vector<std::string> ids = TRY(ids_to_delete(session));
  const std::string what = ids.size() == 1 ? fmt::format("the picture {}", ids[0])
                                           : fmt::format("{} pictures", ids.size());
  if (!options.yes && !ids.empty() && !is_meant(fmt::format("Delete {} for ever?", what)))
    return kExitFailure;
  Stores& stores = session.stores;
  for (const std::string& id : ids)
    TRY(service::remove_picture(stores.archive(), stores.blobs(), stores.clock(), id));
  if (options.json) {
    fmt::print("{}\n", JsonText::object({{"deleted", JsonText::array_of(ids)}}).text());
  } else {
    fmt::print("deleted {}\n", what);
  }
  return kExitOk;
}

}  // namespace

Command pictures_command() {
  const auto options = std::make_shared<PicturesOptions>();
  const Allowed time{.value_name = "TIME"};
  const auto part = [&](const char* name, const char* help, PicturesWork work,
                        std::vector<Option> own) {
    own.push_back({"--key", &options->key, "Pictures of the key with this id"});
    own.push_back({"--from", &options->from, "Pictures from this day or time on (UTC)", time});
    own.push_back({"--until", &options->until, "Pictures before this day or time (UTC)", time});
    return key_command(name, help, std::move(own), options,
                       [options, work](const Config&, Stores& stores) -> Result<int> {
                         const Period period = TRY(parse_period(options->from, options->until));
                         options->key = TRY(known_key(stores, options->key));
                         return work({*options, period, stores});
                       });
  };
  Command removing =
      part("delete", "Delete pictures, rows and files", remove,
           {{"id", &options->id, "The picture's id"}, {"--yes", &options->yes, "Do not ask"}});
  removing.exclusive = {{"id", "--key"}, {"id", "--from"}, {"id", "--until"}};
  Command pictures{"pictures", "Show, export and delete the pictures that are kept"};
  pictures.footer =
      "Works while the server runs. A link to a picture that is deleted leads nowhere.\n"
      "Examples:\n"
      "  imagined pictures export kept --from 2026-11-01\n"
      "  imagined pictures delete --key Ab3dE6gH9jKl --yes";
  pictures.commands = {part("list", "List pictures, oldest first", list, {}),
                       part("export", "Write the files of pictures to a folder", export_all,
                            {{"folder",
                              &options->folder,
                              "Where to; made when it is not there",
                              {.required = true}}}),
                       std::move(removing)};
  return pictures;
}

}  // namespace imagined::cli
