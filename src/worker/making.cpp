#include "worker/making.h"

#include <algorithm>
#include <iterator>
#include <variant>

#include "base/check.h"
#include "service/jobs/payload.h"
#include "worker/make_edits.h"
#include "worker/make_pictures.h"
#include "worker/make_videos.h"

namespace imagined::worker {
namespace {

struct Row {
  service::JobKind kind;
  Make make;
};

constexpr Row kRows[] = {
    {service::JobKind::pictures, make_pictures},
    {service::JobKind::edits, make_edits},
    {service::JobKind::videos, make_videos},
};
static_assert(std::size(kRows) == std::variant_size_v<service::JobPayload>,
              "what can be asked for is made");

}  // namespace

const std::vector<service::JobKind>& made_kinds() {
  static const auto kKinds = [] {
    std::vector<service::JobKind> kinds;
    for (const Row& row : kRows) kinds.push_back(row.kind);
    return kinds;
  }();
  return kKinds;
}

Make make_of(service::JobKind kind) {
  const auto* row = std::ranges::find(kRows, kind, &Row::kind);
  CHECK(row != std::end(kRows), "a job of kind {} was claimed", to_string(kind));
  return row->make;
}

}  // namespace imagined::worker
