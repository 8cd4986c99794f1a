#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/owner.h"
#include "service/billing/outcome.h"
#include "service/jobs/job.h"
#include "service/pictures/picture.h"

namespace imagined::service {

/// A picture, and the request that it was made for.
struct MadePicture {
  StoredPicture picture;
  Owner owner;
  std::string model;
  std::string prompt;
  std::int64_t usd_ticks = 0;  // of this picture; pictures that were given are paid for by the job
};

/// A job, and what was asked for.
struct MadeJob {
  Job job;
  std::string prompt;
  int pictures = 0;  // that were ordered
};

/// Something that moderation did not let pass.
struct BlockedRequest {
  std::int64_t at_ms = 0;
  std::string key_id;
  std::string user;
  std::string model;
  Outcome outcome = Outcome::prompt_blocked;
  std::string why;  // as the customer was told, with the category; empty before it was kept

  bool operator==(const BlockedRequest&) const = default;
};

/// Which rows of a team's history, newest first.
struct HistoryQuery {
  std::string_view org_id;
  std::string_view team_id;
  std::string_view words;   // that the prompt must hold, in any case of ASCII; empty: any prompt
  std::string_view before;  // the last id of the page before; empty: from the newest on
  int count_max = 50;
};

/// What has become of a team's requests. The same database as the JobStore. Thread-safe; calls
/// block; any may fail with `unavailable`, `storage_full`, `data_loss`.
class History {
 public:
  virtual ~History() = default;

  virtual Result<std::vector<MadePicture>> pictures(const HistoryQuery& query) = 0;
  virtual Result<std::vector<MadeJob>> jobs(const HistoryQuery& query) = 0;
  /// `words` and `before` mean nothing here.
  virtual Result<std::vector<BlockedRequest>> blocked(const HistoryQuery& query) = 0;
  /// Gives a picture another id, which is its name in links: whoever has an old one is told that
  /// there is no such picture. `not_found`.
  virtual Result<void> rename_picture(std::string_view id, std::string_view new_id) = 0;
};

}  // namespace imagined::service
