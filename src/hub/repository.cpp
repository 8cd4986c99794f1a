#include "hub/repository.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"

namespace imagined::hub {
namespace {

using nlohmann::json;

constexpr std::size_t kFilesMax = 10'000;
constexpr std::size_t kPathBytesMax = 512;
constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kGitDigits = 40;

tl::unexpected<Error> strange(std::string_view name, std::string_view what) {
  return fail(ErrorCode::data_loss,
              fmt::format("the hub's answer about {} cannot be used: {}", name, what));
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// Empty unless it is a text.
std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// A path that stays below the folder it is put into.
bool is_plain_path(std::string_view path) {
  if (path.empty() || path.size() > kPathBytesMax) return false;
  const bool printable =
      std::ranges::all_of(path, [](char c) { return c >= ' ' && c < '\x7F' && c != '\\'; });
  if (!printable) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

Result<HubFile> read_hub_file(std::string_view name, const json& entry) {
  if (!entry.is_object()) return strange(name, "one of its files is no object");
  HubFile file{.path = text_of(entry, "rfilename")};
  if (!is_plain_path(file.path))
    return strange(name, fmt::format("a file is called {}", shown(json(file.path))));
  const auto size = entry.find("size");
  if (size == entry.end() || !size->is_number_unsigned())
    return strange(name, fmt::format("{} has no size", file.path));
  file.size_bytes = size->get<std::uint64_t>();
  const auto large = entry.find("lfs");
  if (large != entry.end() && large->is_object()) {
    file.sha256 = text_of(*large, "sha256");
    if (!is_hex(file.sha256, kSha256Digits))
      return strange(name, fmt::format("{} has no sha256", file.path));
    return file;
  }
  file.git_blob = text_of(entry, "blobId");
  if (!is_hex(file.git_blob, kGitDigits))
    return strange(name, fmt::format("{} has no blobId", file.path));
  return file;
}

std::string licence_of(const json& answer) {
  const auto card = answer.find("cardData");
  if (card != answer.end() && card->is_object()) {
    // The name of one that the hub does not know.
    if (std::string own = text_of(*card, "license_name"); !own.empty()) return own;
    if (std::string known = text_of(*card, "license"); !known.empty()) return known;
  }
  const auto tags = answer.find("tags");
  if (tags == answer.end() || !tags->is_array()) return {};
  constexpr std::string_view kLicence = "license:";
  for (const json& tag : *tags) {
    if (!tag.is_string()) continue;
    const auto& text = tag.get_ref<const std::string&>();
    if (text.starts_with(kLicence)) return text.substr(kLicence.size());
  }
  return {};
}

}  // namespace

Result<Repository> parse_repository(std::string_view name, std::string_view text) {
  const auto answer = parse_json(text, JsonLimits{});
  if (!answer) return strange(name, answer.error().what);
  if (!answer->is_object()) return strange(name, "it is no object");
  Repository repository{
      .name = std::string(name), .commit = text_of(*answer, "sha"), .licence = licence_of(*answer)};
  if (!is_hex(repository.commit, kGitDigits)) return strange(name, "it names no commit");
  // false, or how one is let in: "auto", "manual".
  const auto gated = answer->find("gated");
  repository.gated = gated != answer->end() && gated->is_string();
  const auto files = answer->find("siblings");
  if (files == answer->end() || !files->is_array()) return strange(name, "it lists no files");
  if (files->size() > kFilesMax) return strange(name, fmt::format("{} files", files->size()));
  for (const json& entry : *files) repository.files.push_back(TRY(read_hub_file(name, entry)));
  return repository;
}

std::vector<HubFile> files_of_model(const Repository& repository) {
  constexpr std::array<std::string_view, 9> kFolders = {
      "scheduler",   "text_encoder", "text_encoder_2",   "tokenizer", "tokenizer_2", "processor",
      "transformer", "vae",          "feature_extractor"};
  constexpr std::array<std::string_view, 6> kEndings = {".json",  ".safetensors", ".txt",
                                                        ".jinja", ".model",       ".gguf"};
  std::vector<HubFile> files;
  for (const HubFile& file : repository.files) {
    const std::string_view path = file.path;
    const std::size_t slash = path.find('/');
    const bool at_root = slash == std::string_view::npos;
    const bool wanted =
        at_root ? path == "model_index.json" || path == "modular_model_index.json" ||
                      path == "sampling.json" || path.starts_with("LICENSE")
                : std::ranges::find(kFolders, path.substr(0, slash)) != kFolders.end() &&
                      std::ranges::any_of(kEndings, [&](std::string_view ending) {
                        return path.ends_with(ending);
                      });
    if (wanted) files.push_back(file);
  }
  std::ranges::sort(files, [](const HubFile& a, const HubFile& b) {
    return std::pair(a.size_bytes, std::string_view(a.path)) <
           std::pair(b.size_bytes, std::string_view(b.path));
  });
  return files;
}

bool is_repository_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.find('/', slash + 1) != std::string_view::npos)
    return false;
  const auto is_name = [](std::string_view part) {
    return !part.empty() && part.size() <= 96 && part != "." && part != ".." &&
           std::ranges::all_of(part, [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == '.';
           });
  };
  return is_name(text.substr(0, slash)) && is_name(text.substr(slash + 1));
}

}  // namespace imagined::hub
