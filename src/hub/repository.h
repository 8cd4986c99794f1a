// What a hub says of a repository of weights, read from its answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::hub {

struct HubFile {
  std::string path;  // in the repository; of plain parts, none of them ".."
  std::uint64_t size_bytes = 0;
  std::string sha256;    // of large files; else empty
  std::string git_blob;  // how Git calls a small one; empty where there is a sha256
};

struct Repository {
  std::string name;     // "black-forest-labs/FLUX.2-klein-4B"
  std::string commit;   // 40 hexadecimal digits
  std::string licence;  // "apache-2.0"; empty: the hub says nothing
  bool gated = false;   // its licence must be accepted on its page first
  std::vector<HubFile> files;
};

/// The answer to /api/models/NAME/revision/REVISION?blobs=true. `data_loss` names what is not as it
/// should be; nothing in it is trusted.
Result<Repository> parse_repository(std::string_view name, std::string_view json);

/// Those that a diffusers folder is made of, small ones first: the index, its licence, our
/// sampling.json, and of the folders of its parts the weights, configurations and tokenizers.
std::vector<HubFile> files_of_model(const Repository& repository);

/// "OWNER/NAME" of the letters that a hub allows.
bool is_repository_name(std::string_view text);

}  // namespace imagined::hub
