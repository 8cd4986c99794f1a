#pragma once

#include <fmt/core.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/families/family.h"
#include "engine/models/common/weight_loader.h"

namespace imagined::engine {

/// Opens one network's files, hands them to `load`, and looks afterwards whether all was used.
/// title     what errors call the network.
/// unneeded  says of a weight that nobody asked for whether that is as it should be.
/// sums      what was loaded is added here.
template <class Load>
auto load_network(const Context& context, const char* title, const std::filesystem::path& path,
                  const NameTable& network, NumberFormat format, Networks& sums,
                  const std::function<bool(std::string_view name)>& unneeded, const Load& load)
    -> decltype(load(std::declval<WeightLoader&>())) {
  const auto loaded = [&]() -> decltype(load(std::declval<WeightLoader&>())) {
    auto source = std::make_shared<WeightSource>(TRY(WeightSource::open(path, network)));
    WeightLoader loader(context, source, format);
    auto result = TRY(load(loader));
    TRY(source->refuse_unused(unneeded));
    TRY(source->intact());
    sums.parameters += source->parameters();
    sums.held_bytes += loader.held_bytes();
    return result;
  };
  auto result = loaded();
  if (!result) result.error().message = fmt::format("{}: {}", title, result.error().message);
  return result;
}

}  // namespace imagined::engine
