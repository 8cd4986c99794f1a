#pragma once

#include <fmt/core.h>

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/families/family.h"
#include "engine/families/other_files.h"
#include "engine/models/common/weight_loader.h"

namespace imagined::engine {

/// Hands one network's weights to `load`, and looks afterwards whether all were used.
/// title     what errors call the network.
/// part      of the plan, with its files.
/// unneeded  says of a weight that nobody asked for whether that is as it should be.
/// sums      what was loaded is added here.
template <class Load>
auto load_network(const Context& context, const char* title, const ModelPart& part,
                  const NameTable& names, NumberFormat format, Networks& sums,
                  const std::function<bool(std::string_view name)>& unneeded, const Load& load)
    -> decltype(load(std::declval<WeightLoader&>())) {
  const auto loaded = [&]() -> decltype(load(std::declval<WeightLoader&>())) {
    CHECK(part.weights != nullptr, "the files of {} were let go", part.name);
    const NetworkTensors* network = part.weights->contents().find(names);
    if (network == nullptr)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: {}; {} is needed", part.path.filename().string(),
                              what_it_is(*part.weights), names.what),
                  {}, part.path.string());
    auto source = std::make_shared<WeightSource>(TRY(WeightSource::make(part.weights, *network)));
    WeightLoader loader(context, source, format);
    if (!part.adapters.empty()) {
      Adapters adapters = TRY(Adapters::make(part.adapters, *source, names));
      sums.notes.insert(sums.notes.end(), adapters.notes().begin(), adapters.notes().end());
      loader.lay_on(std::move(adapters));
    }
    auto result = TRY(load(loader));
    TRY(source->refuse_unused(unneeded));
    TRY(source->sound());
    sums.parameters += source->parameters();
    sums.held_bytes += loader.held_bytes();
    sums.mapped_bytes += loader.mapped_bytes();
    if (loader.mapped_bytes() > 0) {
      MappedNetwork mapped{
          .source = std::move(source), .tensors = {}, .bytes = loader.mapped_bytes()};
      for (const FileTensor* tensor : network->tensors) mapped.tensors.push_back(tensor->bytes);
      sums.mapped.push_back(std::move(mapped));
    }
    return result;
  };
  auto result = loaded();
  if (!result) result.error().message = fmt::format("{}: {}", title, result.error().message);
  return result;
}

}  // namespace imagined::engine
