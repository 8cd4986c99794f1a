// The hub that weights are published on, by the addresses that its own tools use.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "hub/repository.h"
#include "net/download.h"

namespace imagined::hub {

inline constexpr std::string_view kEndpoint = "https://huggingface.co";

struct HubOptions {
  std::string endpoint{kEndpoint};
  std::string token;  // empty: nobody in particular
};

/// One call at a time. Errors say what to do: `unauthenticated` and `permission_denied` where a
/// licence must be accepted or a token is missing, `not_found`, `resource_exhausted` (too many
/// requests), `unavailable` (nothing came), `cancelled`.
class Hub {
 public:
  explicit Hub(HubOptions options);

  /// What `revision` is at this moment.
  Result<Repository> look_up(const std::string& name, const std::string& revision,
                             const std::stop_token& stop);

  /// Where the bytes go. `start` says from which byte on they will come: the wanted one, or 0.
  struct Sink {
    std::function<Result<void>(std::uint64_t from)> start;
    std::function<Result<void>(std::span<const std::uint8_t>)> take;
  };
  /// The file's bytes from `from` on. `aborted` when the hub has another file of this name.
  Result<void> fetch(const Repository& repository, const HubFile& file, std::uint64_t from,
                     const Sink& sink, const std::stop_token& stop);

  /// The page on which people read of it, and accept its licence.
  std::string page_of(const std::string& name) const { return options_.endpoint + "/" + name; }

 private:
  tl::unexpected<Error> refusal(const net::DownloadHead& head, const std::string& name,
                                std::string_view what) const;

  HubOptions options_;
  net::Downloader downloader_;
};

}  // namespace imagined::hub
