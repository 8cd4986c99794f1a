#include "engine/backend/context.h"

namespace imagined::engine {

Context::Context(const ContextOptions& options)
    : cpu_(CpuFeatures::detect()),
      pool_(std::make_unique<ThreadPool>(options.threads)),
      scratch_(std::make_unique<Scratch>(pool_->threads())),
      implementations_(options.implementations) {}

std::string_view Context::implementation(std::string_view operation) const {
  std::string_view rest = implementations_;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const auto equals = item.find('=');
    if (equals != std::string_view::npos && item.substr(0, equals) == operation) {
      return item.substr(equals + 1);
    }
  }
  return {};
}

}  // namespace imagined::engine
