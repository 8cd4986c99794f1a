#include "engine/formats/name_table.h"

#include <algorithm>
#include <charconv>

namespace imagined::engine {
namespace {

/// Whether `name` is the module or something inside it.
bool is_in(std::string_view name, std::string_view module) {
  return name.starts_with(module) && (name.size() == module.size() || name[module.size()] == '.');
}

bool is_in_any(std::string_view name, std::span<const std::string_view> modules) {
  return std::any_of(modules.begin(), modules.end(),
                     [&](std::string_view module) { return is_in(name, module); });
}

/// Whether one of the modules stands anywhere in the name, not only at its beginning.
bool has_inside(std::string_view name, std::span<const std::string_view> modules) {
  for (std::size_t at = 0; at != std::string_view::npos && at < name.size();) {
    if (is_in_any(name.substr(at), modules)) return true;
    const std::size_t dot = name.find('.', at);
    at = dot == std::string_view::npos ? dot : dot + 1;
  }
  return false;
}

/// Everything that stands before one of the network's anchors in some name.
std::vector<std::string_view> possible_prefixes(std::span<const FileTensor* const> tensors,
                                                const NameTable& table) {
  std::vector<std::string_view> prefixes;
  for (const FileTensor* tensor : tensors) {
    const std::string_view name = tensor->name;
    for (const std::string_view anchor : table.anchors) {
      const std::size_t at = name.rfind(anchor);
      if (at == std::string_view::npos || !is_in(name.substr(at), anchor)) continue;
      if (at > 0 && name[at - 1] != '.') continue;
      prefixes.push_back(name.substr(0, at));
    }
  }
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  std::erase_if(prefixes, [&](std::string_view prefix) {
    return std::ranges::any_of(tensors, [&](const FileTensor* tensor) {
      const std::string_view name = tensor->name;
      return name.starts_with(prefix) && is_in_any(name.substr(prefix.size()), table.never);
    });
  });
  return prefixes;
}

bool is_own(std::string_view name, const NameTable& table, std::string_view prefix) {
  return name.starts_with(prefix) && is_in_any(name.substr(prefix.size()), table.roots);
}

/// The prefix with the most tensors; the first in the alphabet of several with as many.
std::optional<std::string> find_prefix(std::span<const FileTensor* const> tensors,
                                       const NameTable& table) {
  std::optional<std::string> best;
  std::ptrdiff_t most = 0;
  for (const std::string_view prefix : possible_prefixes(tensors, table)) {
    const std::ptrdiff_t count = std::count_if(
        tensors.begin(), tensors.end(),
        [&](const FileTensor* tensor) { return is_own(tensor->name, table, prefix); });
    if (count <= most) continue;
    most = count;
    best = std::string(prefix);
  }
  return best;
}

/// The network that a name is one of, by the longest prefix; null where there is none.
NetworkTensors* owner_of(std::string_view name, std::vector<NetworkTensors>& networks) {
  NetworkTensors* best = nullptr;
  for (NetworkTensors& network : networks)
    if (is_own(name, *network.table, network.prefix) &&
        (best == nullptr || network.prefix.size() > best->prefix.size()))
      best = &network;
  return best;
}

}  // namespace

const NetworkTensors* Contents::find(const NameTable& table) const {
  const auto found =
      std::find_if(networks.begin(), networks.end(),
                   [&](const NetworkTensors& network) { return network.table == &table; });
  return found == networks.end() ? nullptr : &*found;
}

Contents sort_tensors(std::span<const FileTensor* const> tensors,
                      std::span<const NameTable* const> tables) {
  Contents contents;
  for (const NameTable* table : tables)
    if (std::optional<std::string> prefix = find_prefix(tensors, *table))
      contents.networks.push_back({.table = table, .prefix = std::move(*prefix), .tensors = {}});
  for (const FileTensor* tensor : tensors) {
    const std::string_view name = tensor->name;
    NetworkTensors* owner = owner_of(name, contents.networks);
    if (owner != nullptr) {
      owner->tensors.push_back(tensor);
      continue;
    }
    const bool is_mark = tensor->elements() == 0;  // such as ComfyUI's scaled_fp8
    const bool lies_beside = std::ranges::any_of(
        contents.networks,
        [&](const NetworkTensors& network) { return has_inside(name, network.table->beside); });
    if (!is_mark && !lies_beside) contents.strays.emplace_back(name);
  }
  return contents;
}

const NameRow* find_row(std::span<const NameRow> rows, std::string_view name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const NameRow& row) { return row.from == name; });
  return found == rows.end() ? nullptr : &*found;
}

std::optional<Indexed> indexed(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  constexpr std::int64_t kMaxIndex = 9999;
  Indexed out;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), out.index);
  if (error != std::errc() || out.index < 0 || out.index > kMaxIndex) return std::nullopt;
  if (end == name.data() + name.size() || *end != '.') return std::nullopt;
  out.rest = name.substr(static_cast<std::size_t>(end - name.data()) + 1);
  return out;
}

CanonicalNames unchanged(std::string_view name) { return {{std::string(name)}}; }

std::int64_t count_indices(std::span<const std::string_view> names, std::string_view prefix) {
  std::int64_t count = 0;
  for (const std::string_view name : names)
    if (const auto found = indexed(name, prefix)) count = std::max(count, found->index + 1);
  return count;
}

}  // namespace imagined::engine
