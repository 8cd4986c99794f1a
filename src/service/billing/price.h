#pragma once

#include <cstdint>

#include "service/billing/money.h"

namespace imagined::service {

/// What a request costs: so much for each picture that is delivered, and so much once, for its
/// references, as soon as one is delivered.
struct Bill {
  std::int64_t per_picture_usd_ticks = 0;
  std::int64_t once_usd_ticks = 0;

  std::int64_t cost_usd_ticks(std::int64_t pictures) const {
    if (pictures == 0) return 0;
    return sum_of(product_of(per_picture_usd_ticks, pictures), once_usd_ticks);
  }
  bool operator==(const Bill&) const = default;
};

}  // namespace imagined::service
