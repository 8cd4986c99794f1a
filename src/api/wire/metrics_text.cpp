#include "api/wire/metrics_text.h"

#include <fmt/format.h>

namespace imagined::api::wire {
namespace {

constexpr std::string_view kPrefix = "imagined_";

/// In a label's value a backslash, a quote and a line's end are escaped, in a help text the quote
/// is not.
std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || (c == '"' && quotes)) out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

}  // namespace

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  text_ += fmt::format("# HELP {0}{1} {2}.\n# TYPE {0}{1} {3}\n", kPrefix, name,
                       escaped(help, false), type);
}

template <class Labels, class Value>
void MetricsText::line(std::string_view name, const Labels& labels, Value value) {
  text_ += kPrefix;
  text_ += name;
  std::string_view before = "{";
  for (const auto& [label, text] : labels) {
    text_ += fmt::format("{}{}=\"{}\"", before, label, escaped(text, true));
    before = ",";
  }
  if (before == ",") text_ += '}';
  text_ += fmt::format(" {}\n", value);
}

void MetricsText::sample(std::string_view name, std::initializer_list<Label> labels,
                         std::int64_t value) {
  line(name, labels, value);
}

void MetricsText::sample(std::string_view name, std::initializer_list<Label> labels, double value) {
  line(name, labels, value);
}

void MetricsText::gauges(const service::Gauges& gauges) {
  std::string_view last;
  for (const service::Gauge& gauge : gauges) {
    if (gauge.name != last)
      family(gauge.name, gauge.kind == service::Gauge::Kind::counter ? "counter" : "gauge",
             gauge.help);
    last = gauge.name;
    std::visit([&](auto value) { line(gauge.name, gauge.labels, value); }, gauge.value);
  }
}

}  // namespace imagined::api::wire
