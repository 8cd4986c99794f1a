#include "engine/tokenizers/jinja_render.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "engine/tokenizers/jinja_syntax.h"

namespace imagined::engine::jinja {
namespace {

using nlohmann::json;
using Kind = Expression::Kind;

// Published templates take some hundred steps for one message.
constexpr int kMaxSteps = 20'000;
constexpr std::size_t kMaxValue = 64 << 10;  // bytes of one value, and of what is written
constexpr std::size_t kElementBytes = 64;    // that one element counts for, about what it takes
constexpr std::size_t kMaxCalls = 10;        // of macros in each other
constexpr int kMaxNesting = 16;              // of lists in lists

/// Jinja's "undefined", which no value of JSON is.
json undefined() { return json(json::value_t::discarded); }

bool is_true(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return value.is_structured() && !value.empty();
}

std::string_view text_of(const json& value) { return value.get_ref<const std::string&>(); }

/// What the limits leave of a value after it was weighed.
bool weigh(const json& value, int depth, std::size_t& left) {
  const std::size_t own = kElementBytes + (value.is_string() ? text_of(value).size() : 0);
  if (own > left || depth > kMaxNesting) return false;
  left -= own;
  return !value.is_structured() || std::all_of(value.begin(), value.end(), [&](const json& part) {
    return weigh(part, depth + 1, left);
  });
}

std::string_view kind_of(const json& value) {
  if (value.is_discarded()) return "an undefined value";
  if (value.is_null()) return "none";
  if (value.is_boolean()) return "a boolean";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a text";
  return value.is_array() ? "a list" : "a dictionary";
}

std::string stripped(std::string_view text, std::string_view bytes, bool left, bool right) {
  if (left) text.remove_prefix(std::min(text.find_first_not_of(bytes), text.size()));
  if (right) text = text.substr(0, text.find_last_not_of(bytes) + 1);
  return std::string(text);
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at = 0; !from.empty() && (at = text.find(from)) != std::string_view::npos;) {
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

json split(std::string_view text, std::string_view separator) {
  json parts = json::array();
  for (std::size_t at = 0; (at = text.find(separator)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

/// The part of a list or text of `size` that [start:stop:step] takes, as indices; Python's rules.
std::vector<std::size_t> sliced(std::int64_t size, const json& start, const json& stop,
                                std::int64_t step) {
  const auto bound = [&](const json& value, std::int64_t absent) {
    if (!value.is_number_integer()) return absent;
    std::int64_t at = value.get<std::int64_t>();
    if (at < 0) at = std::max<std::int64_t>(at, -size - 1) + size;
    return step > 0 ? std::clamp<std::int64_t>(at, 0, size)
                    : std::clamp<std::int64_t>(at, -1, size - 1);
  };
  const std::int64_t first = bound(start, step > 0 ? 0 : size - 1);
  const std::int64_t last = bound(stop, step > 0 ? size : -1);
  std::vector<std::size_t> indices;
  for (std::int64_t at = first; step > 0 ? at < last : at > last; at += step)
    indices.push_back(static_cast<std::size_t>(at));
  return indices;
}

/// Arguments that were worked out.
struct Arguments {
  std::vector<json> values;
  std::map<std::string, json, std::less<>> named;

  bool are_texts() const { return named.empty() && std::ranges::all_of(values, &json::is_string); }
  std::string_view text(std::size_t index, std::string_view otherwise = {}) const {
    return index < values.size() ? text_of(values[index]) : otherwise;
  }
};

class Renderer {
 public:
  explicit Renderer(const json& variables) { scopes_.emplace_back(variables); }

  Result<std::string> run(const std::vector<Statement>& body) {
    scopes_.emplace_back(json::object());
    TRY(write(body));
    return std::move(out_);
  }

 private:
  enum class Flow : std::uint8_t { on, leave, next };

  // ---- statements -------------------------------------------------------------------------------

  Result<Flow> write(const std::vector<Statement>& body) {
    for (const Statement& statement : body) {
      const Flow flow = TRY(write(statement));
      if (flow != Flow::on) return flow;
    }
    return Flow::on;
  }

  Result<Flow> write(const Statement& statement) {
    TRY(step(statement.line));
    switch (statement.kind) {
      case Statement::Kind::text:
        TRY(append(statement.line, statement.text));
        break;
      case Statement::Kind::output: {
        const json value = TRY(evaluate(statement.expression));
        const std::string text = TRY(as_text(statement.line, value));
        TRY(append(statement.line, text));
        break;
      }
      case Statement::Kind::branch:
        return write(is_true(TRY(evaluate(statement.expression))) ? statement.body
                                                                  : statement.otherwise);
      case Statement::Kind::loop:
        return write_loop(statement);
      case Statement::Kind::set: {
        json value = TRY(evaluate(statement.expression));
        TRY(assign(statement, std::move(value)));
        break;
      }
      case Statement::Kind::capture: {
        json value = TRY(captured(statement.body));
        TRY(assign(statement, std::move(value)));
        break;
      }
      case Statement::Kind::macro:
        macros_[statement.names.front()] = &statement;
        break;
      case Statement::Kind::leave:
        return Flow::leave;
      case Statement::Kind::next:
        return Flow::next;
    }
    return Flow::on;
  }

  Result<Flow> write_loop(const Statement& loop) {
    const json whole = TRY(evaluate(loop.expression));
    const json list = TRY(items_of(loop.line, whole));
    std::vector<json> taken;
    for (const json& item : list) {
      TRY(step(loop.line));
      if (loop.filter.kind == Kind::absent) {
        taken.push_back(item);
        continue;
      }
      scopes_.emplace_back(json::object());
      Result<> bound = bind(loop, item);
      Result<json> wanted = bound ? evaluate(loop.filter) : Result<json>(json());
      scopes_.pop_back();
      TRY(std::move(bound));
      if (is_true(TRY(std::move(wanted)))) taken.push_back(item);
    }
    if (taken.empty()) return write(loop.otherwise);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      scopes_.emplace_back(json::object());
      Result<> bound = bind(loop, taken[i]);
      scopes_.back()["loop"] = {
          {"index0", i},
          {"index", i + 1},
          {"revindex0", taken.size() - i - 1},
          {"revindex", taken.size() - i},
          {"first", i == 0},
          {"last", i + 1 == taken.size()},
          {"length", taken.size()},
          {"previtem", i > 0 ? taken[i - 1] : undefined()},
          {"nextitem", i + 1 < taken.size() ? taken[i + 1] : undefined()},
      };
      const Result<Flow> flow = bound ? write(loop.body) : Result<Flow>(Flow::on);
      scopes_.pop_back();
      TRY(std::move(bound));
      if (!flow) return flow;
      if (*flow == Flow::leave) break;
    }
    return Flow::on;
  }

  /// The loop's variables become the item, or its parts.
  Result<> bind(const Statement& loop, const json& item) {
    if (loop.names.size() == 1) {
      scopes_.back()[loop.names.front()] = item;
      return {};
    }
    if (!item.is_array() || item.size() != loop.names.size())
      return refuse(
          loop.line,
          fmt::format("{} cannot be taken apart into {}", kind_of(item), loop.names.size()),
          ErrorCode::invalid_argument);
    for (std::size_t i = 0; i < item.size(); ++i) scopes_.back()[loop.names[i]] = item[i];
    return {};
  }

  Result<json> items_of(int line, const json& value) const {
    if (value.is_array()) return value;
    if (value.is_discarded()) return json::array();
    if (!value.is_object())
      return refuse(line, fmt::format("a loop over {} is not known here", kind_of(value)));
    json keys = json::array();
    for (const auto& [key, unused] : value.items()) keys.push_back(key);
    return keys;
  }

  Result<> assign(const Statement& statement, json value) {
    const std::string& name = statement.names.front();
    if (statement.names.size() == 1) {
      scopes_.back()[name] = std::move(value);
      return {};
    }
    json* object = find(name);
    if (object == nullptr || !object->is_object())
      return refuse(statement.line, fmt::format("\"{}\" is no namespace", name),
                    ErrorCode::invalid_argument);
    (*object)[statement.names[1]] = std::move(value);
    return check(statement.line, *object);
  }

  /// What a body writes, kept from the text.
  Result<json> captured(const std::vector<Statement>& body) {
    std::string outer = std::exchange(out_, {});
    const Result<Flow> flow = write(body);
    json text = std::exchange(out_, std::move(outer));
    if (!flow) return tl::unexpected(flow.error());
    return text;
  }

  // ---- limits -----------------------------------------------------------------------------------

  Result<> step(int line) {
    if (++steps_ <= kMaxSteps) return {};
    return refuse(line, fmt::format("more than {} steps", kMaxSteps), ErrorCode::invalid_argument);
  }

  static Result<> check(int line, const json& value) {
    std::size_t left = kMaxValue;
    if (weigh(value, 0, left)) return {};
    return refuse(line, "a value that is too large", ErrorCode::invalid_argument);
  }

  Result<> append(int line, std::string_view text) {
    if (out_.size() + text.size() > kMaxValue)
      return refuse(line, fmt::format("writes more than {} bytes", kMaxValue),
                    ErrorCode::invalid_argument);
    out_ += text;
    return {};
  }

  // ---- expressions ------------------------------------------------------------------------------

  json* find(std::string_view name) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
      if (const auto found = scope->find(name); found != scope->end()) return &*found;
    return nullptr;
  }

  static Result<std::string> as_text(int line, const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_discarded()) return std::string();
    if (value.is_null()) return std::string("None");
    if (value.is_boolean()) return std::string(value.get<bool>() ? "True" : "False");
    if (value.is_number_integer()) return value.dump();
    return refuse(line, fmt::format("{} as a text is not known here", kind_of(value)));
  }

  Result<json> evaluate(const Expression& expression) {
    TRY(step(expression.line));
    json value = TRY(worked_out(expression));
    TRY(check(expression.line, value));
    return value;
  }

  Result<json> worked_out(const Expression& expression) {
    switch (expression.kind) {
      case Kind::absent:
        return undefined();
      case Kind::literal:
        return expression.value;
      case Kind::name: {
        if (const json* found = find(expression.text)) return *found;
        if (macros_.contains(expression.text))
          return refuse(expression.line, "a macro that is not called is not known here");
        return undefined();
      }
      case Kind::list: {
        json list = json::array();
        for (const Expression& part : expression.parts) list.push_back(TRY(evaluate(part)));
        return list;
      }
      case Kind::dict:
        return dictionary(expression);
      case Kind::attribute:
      case Kind::item:
        return member(expression);
      case Kind::slice:
        return slice(expression);
      case Kind::call:
        return call(expression);
      case Kind::filter: {
        const json value = TRY(evaluate(expression.parts.front()));
        const Arguments arguments = TRY(arguments_of(expression));
        return filtered(expression, value, arguments);
      }
      case Kind::test: {
        const json value = TRY(evaluate(expression.parts.front()));
        const Arguments arguments = TRY(arguments_of(expression));
        return tested(expression, value, arguments);
      }
      case Kind::unary:
        return unary(expression);
      case Kind::binary:
        return binary(expression);
      case Kind::choice: {
        const bool holds = is_true(TRY(evaluate(expression.parts[0])));
        return evaluate(expression.parts[holds ? 1 : 2]);
      }
    }
    return undefined();
  }

  Result<json> dictionary(const Expression& expression) {
    json object = json::object();
    for (std::size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
      const json key = TRY(evaluate(expression.parts[i]));
      if (!key.is_string())
        return refuse(expression.line, fmt::format("{} as a key is not known here", kind_of(key)));
      object[std::string(text_of(key))] = TRY(evaluate(expression.parts[i + 1]));
    }
    return object;
  }

  Result<json> member(const Expression& expression) {
    const json value = TRY(evaluate(expression.parts.front()));
    const json key = expression.kind == Kind::attribute ? json(expression.text)
                                                        : TRY(evaluate(expression.parts[1]));
    if (value.is_discarded())
      return refuse(expression.line, "asks an undefined value for a part of it",
                    ErrorCode::invalid_argument);
    if (value.is_object() && key.is_string()) {
      const auto found = value.find(text_of(key));
      return found == value.end() ? undefined() : *found;
    }
    if (value.is_array() && key.is_number_integer()) {
      const auto size = static_cast<std::int64_t>(value.size());
      const auto index = key.get<std::int64_t>();
      if (index >= size || index < -size) return undefined();
      return value[static_cast<std::size_t>(index < 0 ? index + size : index)];
    }
    if (value.is_string() && key.is_number_integer())
      return refuse(expression.line, "a single character of a text is not known here");
    return undefined();
  }

  Result<json> slice(const Expression& expression) {
    const json value = TRY(evaluate(expression.parts[0]));
    const json start = TRY(evaluate(expression.parts[1]));
    const json stop = TRY(evaluate(expression.parts[2]));
    const json step = TRY(evaluate(expression.parts[3]));
    const auto is_bound = [](const json& bound) {
      return bound.is_number_integer() || bound.is_null() || bound.is_discarded();
    };
    if (!is_bound(start) || !is_bound(stop) || !is_bound(step))
      return refuse(expression.line, "a slice takes whole numbers", ErrorCode::invalid_argument);
    const std::int64_t stride = step.is_number_integer() ? step.get<std::int64_t>() : 1;
    if (!value.is_array() || stride == 0 || stride > 1'000'000 || stride < -1'000'000)
      return refuse(expression.line,
                    fmt::format("a slice of {} is not known here", kind_of(value)));
    json part = json::array();
    for (const std::size_t index :
         sliced(static_cast<std::int64_t>(value.size()), start, stop, stride))
      part.push_back(value[index]);
    return part;
  }

  Result<json> unary(const Expression& expression) {
    const json value = TRY(evaluate(expression.parts.front()));
    if (expression.text == "not") return !is_true(value);
    if (!value.is_number_integer()) return no_operator(expression, value, value);
    if (expression.text == "+") return value;
    std::int64_t negative = 0;
    if (__builtin_sub_overflow(0, value.get<std::int64_t>(), &negative))
      return no_operator(expression, value, value);
    return negative;
  }

  Result<json> binary(const Expression& expression) {
    const std::string& op = expression.text;
    const json left = TRY(evaluate(expression.parts[0]));
    // As in Python, the value that decides.
    if (op == "and" || op == "or")
      return is_true(left) == (op == "or") ? left : TRY(evaluate(expression.parts[1]));
    const json right = TRY(evaluate(expression.parts[1]));
    if (op == "==") return equal(left, right);
    if (op == "!=") return !equal(left, right);
    if (op == "in" || op == "not in") return TRY(contains(expression, right, left)) == (op == "in");
    if (op == "~")
      return TRY(as_text(expression.line, left)) + TRY(as_text(expression.line, right));
    if (op == "+" && left.is_string() && right.is_string())
      return std::string(text_of(left)).append(text_of(right));
    if (op == "+" && left.is_array() && right.is_array()) {
      json sum = left;
      for (const json& item : right) sum.push_back(item);
      return sum;
    }
    if (left.is_string() && right.is_string() && (op.starts_with('<') || op.starts_with('>')))
      return compared(op, text_of(left), text_of(right));
    if (left.is_number_integer() && right.is_number_integer())
      return counted(expression, left.get<std::int64_t>(), right.get<std::int64_t>());
    return no_operator(expression, left, right);
  }

  static bool equal(const json& left, const json& right) {
    if (left.is_discarded() || right.is_discarded())
      return left.is_discarded() && right.is_discarded();
    return left == right;
  }

  template <class Value>
  static bool compared(std::string_view op, const Value& left, const Value& right) {
    if (op == "<") return left < right;
    if (op == "<=") return left <= right;
    return op == ">" ? left > right : left >= right;
  }

  Result<json> counted(const Expression& expression, std::int64_t left, std::int64_t right) const {
    const std::string& op = expression.text;
    if (op.starts_with('<') || op.starts_with('>')) return compared(op, left, right);
    std::int64_t value = 0;
    const bool failed = op == "+"   ? __builtin_add_overflow(left, right, &value)
                        : op == "-" ? __builtin_sub_overflow(left, right, &value)
                        : op == "*" ? __builtin_mul_overflow(left, right, &value)
                                    : op != "%" || right <= 0;
    if (failed) return no_operator(expression, left, right);
    if (op == "%") value = (left % right + right) % right;  // Python's has the divisor's sign
    return value;
  }

  static tl::unexpected<Error> no_operator(const Expression& expression, const json& left,
                                           const json& right) {
    return refuse(expression.line, fmt::format("\"{}\" of {} and {} is not known here",
                                               expression.text, kind_of(left), kind_of(right)));
  }

  static Result<bool> contains(const Expression& expression, const json& whole, const json& part) {
    if (whole.is_string() && part.is_string())
      return text_of(whole).find(text_of(part)) != std::string_view::npos;
    if (whole.is_object() && part.is_string()) return whole.contains(text_of(part));
    if (whole.is_array())
      return std::any_of(whole.begin(), whole.end(),
                         [&](const json& item) { return equal(item, part); });
    if (whole.is_discarded()) return false;
    return no_operator(expression, part, whole);
  }

  // ---- functions --------------------------------------------------------------------------------

  Result<Arguments> arguments_of(const Expression& expression) {
    Arguments arguments;
    for (const Expression& part : std::span(expression.parts).subspan(1))
      arguments.values.push_back(TRY(evaluate(part)));
    for (const auto& [name, part] : expression.named) arguments.named[name] = TRY(evaluate(part));
    return arguments;
  }

  Result<json> call(const Expression& expression) {
    const Expression& callee = expression.parts.front();
    if (callee.kind == Kind::attribute) {
      const json value = TRY(evaluate(callee.parts.front()));
      const Arguments arguments = TRY(arguments_of(expression));
      return method(callee, value, arguments);
    }
    if (callee.kind != Kind::name)
      return refuse(expression.line, "a call of what has no name is not known here");
    const Arguments arguments = TRY(arguments_of(expression));
    if (const auto macro = macros_.find(callee.text); macro != macros_.end())
      return expanded(*macro->second, arguments);
    if (callee.text == "namespace" && arguments.values.empty()) {
      json object = json::object();
      for (const auto& [name, value] : arguments.named) object[name] = value;
      return object;
    }
    if (callee.text == "strftime_now")
      if (const json* date = find(kDate)) return *date;
    if (callee.text == "raise_exception" && arguments.are_texts() && !arguments.values.empty())
      return refuse(expression.line, fmt::format("refuses: {}", arguments.text(0)),
                    ErrorCode::invalid_argument);
    return refuse(expression.line,
                  fmt::format("the function \"{}\" is not known here", callee.text));
  }

  Result<json> expanded(const Statement& macro, const Arguments& arguments) {
    if (calls_ == kMaxCalls)
      return refuse(macro.line, "macros that call each other without end",
                    ErrorCode::invalid_argument);
    if (arguments.values.size() > macro.parameters.size())
      return refuse(
          macro.line,
          fmt::format("\"{}\" takes {} arguments", macro.names.front(), macro.parameters.size()),
          ErrorCode::invalid_argument);
    for (const auto& [name, value] : arguments.named)
      if (std::ranges::find(macro.parameters, name, [](const auto& p) { return p.first; }) ==
          macro.parameters.end())
        return refuse(macro.line,
                      fmt::format("\"{}\" takes no argument \"{}\"", macro.names.front(), name),
                      ErrorCode::invalid_argument);
    json scope = json::object();
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
      const auto& [name, otherwise] = macro.parameters[i];
      const auto named = arguments.named.find(name);
      if (i < arguments.values.size())
        scope[name] = arguments.values[i];
      else
        scope[name] = named != arguments.named.end() ? named->second : TRY(evaluate(otherwise));
    }
    // A macro sees what is defined outside of everything, not where it is called.
    std::vector<json> outer(std::make_move_iterator(scopes_.begin() + 2),
                            std::make_move_iterator(scopes_.end()));
    scopes_.resize(2);
    scopes_.push_back(std::move(scope));
    ++calls_;
    Result<json> text = captured(macro.body);
    --calls_;
    scopes_.resize(2);
    std::ranges::move(outer, std::back_inserter(scopes_));
    return text;
  }

  Result<json> method(const Expression& callee, const json& value, const Arguments& arguments) {
    const std::string& name = callee.text;
    const std::size_t count = arguments.values.size();
    if (value.is_string() && arguments.are_texts()) {
      const std::string_view text = text_of(value);
      if (name == "startswith" && count == 1) return text.starts_with(arguments.text(0));
      if (name == "endswith" && count == 1) return text.ends_with(arguments.text(0));
      if (name == "strip" && count < 2)
        return stripped(text, arguments.text(0, kBlanks), true, true);
      if (name == "lstrip" && count < 2)
        return stripped(text, arguments.text(0, kBlanks), true, false);
      if (name == "rstrip" && count < 2)
        return stripped(text, arguments.text(0, kBlanks), false, true);
      if (name == "split" && count == 1 && !arguments.text(0).empty())
        return split(text, arguments.text(0));
      if (name == "replace" && count == 2 && !arguments.text(0).empty())
        return replaced(text, arguments.text(0), arguments.text(1));
    }
    if (value.is_object() && name == "get" && (count == 1 || count == 2) &&
        arguments.values[0].is_string()) {
      const auto found = value.find(arguments.text(0));
      if (found != value.end()) return *found;
      return count == 2 ? arguments.values[1] : json();
    }
    if (value.is_object() && name == "items" && count == 0) {
      json pairs = json::array();
      for (const auto& [key, item] : value.items()) pairs.push_back({key, item});
      return pairs;
    }
    return refuse(callee.line,
                  fmt::format("the function \"{}\" of {} is not known here", name, kind_of(value)));
  }

  Result<json> filtered(const Expression& filter, const json& value, const Arguments& arguments) {
    const std::string& name = filter.text;
    const bool plain = arguments.values.empty() && arguments.named.empty();
    if (plain && (name == "length" || name == "count")) {
      if (value.is_structured()) return value.size();
      // Jinja counts characters, which nobody asks a chat template for.
      if (value.is_discarded()) return 0;
    }
    if (plain && name == "trim" && value.is_string())
      return stripped(text_of(value), kBlanks, true, true);
    if (plain && (name == "safe" || name == "string")) return TRY(as_text(filter.line, value));
    if (plain && name == "list") return items_of(filter.line, value);
    if (plain && (name == "first" || name == "last") && value.is_array()) {
      if (value.empty()) return undefined();
      return name == "first" ? value.front() : value.back();
    }
    if (plain && name == "items" && value.is_object()) {
      json pairs = json::array();
      for (const auto& [key, item] : value.items()) pairs.push_back({key, item});
      return pairs;
    }
    if (name == "replace" && value.is_string() && arguments.are_texts() &&
        arguments.values.size() == 2 && !arguments.text(0).empty())
      return replaced(text_of(value), arguments.text(0), arguments.text(1));
    if ((name == "default" || name == "d") && !arguments.values.empty()) {
      const bool also_false =
          (arguments.values.size() > 1 && is_true(arguments.values[1])) ||
          (arguments.named.contains("boolean") && is_true(arguments.named.find("boolean")->second));
      const bool absent = value.is_discarded() || (also_false && !is_true(value));
      return absent ? arguments.values[0] : value;
    }
    if (name == "join" && value.is_array() && arguments.are_texts() &&
        arguments.values.size() < 2) {
      std::string text;
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0) text += arguments.text(0);
        text += TRY(as_text(filter.line, value[i]));
        if (text.size() > kMaxValue) break;  // refused by whoever asked
      }
      return text;
    }
    return refuse(filter.line,
                  fmt::format("the filter \"{}\" of {} is not known here", name, kind_of(value)));
  }

  Result<json> tested(const Expression& test, const json& value, const Arguments& arguments) {
    const std::string& name = test.text;
    if (arguments.values.size() == 1) {
      if (name == "equalto" || name == "eq" || name == "sameas")
        return equal(value, arguments.values[0]);
      if (name == "ne") return !equal(value, arguments.values[0]);
      if (name == "in") return contains(test, arguments.values[0], value);
    }
    if (arguments.values.empty()) {
      if (name == "defined") return !value.is_discarded();
      if (name == "undefined") return value.is_discarded();
      if (name == "none") return value.is_null();
      if (name == "string") return value.is_string();
      if (name == "mapping") return value.is_object();
      if (name == "boolean") return value.is_boolean();
      if (name == "integer") return value.is_number_integer();
      if (name == "number") return value.is_number() || value.is_boolean();
      if (name == "true") return value.is_boolean() && value.get<bool>();
      if (name == "false") return value.is_boolean() && !value.get<bool>();
      if (name == "iterable" || name == "sequence")
        return value.is_structured() || value.is_string();
    }
    return refuse(test.line, fmt::format("the test \"{}\" is not known here", name));
  }

  std::vector<json> scopes_;  // what was given, what the template set, then one a loop or macro
  std::map<std::string, const Statement*, std::less<>> macros_;
  std::string out_;
  int steps_ = 0;
  std::size_t calls_ = 0;
};

}  // namespace

Result<std::string> render(std::string_view text, const json& variables) {
  const std::vector<Statement> body = TRY(parse(text));
  return Renderer(variables).run(body);
}

}  // namespace imagined::engine::jinja
