#pragma once

#include <span>
#include <string_view>

#include "base/check.h"
#include "engine/backend/context.h"

namespace imagined::engine {

/// Of an operation's implementations, best first, the first that this machine runs for `numbers`, a
/// DType or a WeightFormat; where the context names one, that one. An implementation has a `name`
/// and `runs_on`.
template <class Implementation, class Numbers>
const Implementation& choose(const Context& context, std::string_view operation,
                             std::span<const Implementation> implementations, Numbers numbers) {
  const std::string_view wanted = context.implementation(operation);
  for (const Implementation& candidate : implementations) {
    const bool named = wanted.empty() || wanted == candidate.name;
    if (named && candidate.runs_on(context.cpu(), numbers)) return candidate;
  }
  CHECK(false, "{}: no implementation \"{}\" for {} on this machine", operation, wanted,
        name(numbers));
  return implementations.back();
}

}  // namespace imagined::engine
