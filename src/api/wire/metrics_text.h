// The text that Prometheus reads, exposition format 0.0.4.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "service/gauges/gauge.h"

namespace imagined::api::wire {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// Names are given without the prefix `imagined_`. The samples of one family come one after the
/// other.
class MetricsText {
 public:
  using Label = std::pair<std::string_view, std::string_view>;

  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view name, std::initializer_list<Label> labels, std::int64_t value);
  void sample(std::string_view name, std::initializer_list<Label> labels, double value);
  void gauges(const service::Gauges& gauges);

  std::string take() && { return std::move(text_); }

 private:
  template <class Labels, class Value>
  void line(std::string_view name, const Labels& labels, Value value);

  std::string text_;
};

}  // namespace imagined::api::wire
