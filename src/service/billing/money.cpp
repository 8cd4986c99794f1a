#include "service/billing/money.h"

#include <fmt/core.h>

#include <charconv>

#include "base/check.h"

namespace imagined::service {
namespace {

constexpr std::size_t kDecimalsMax = 10;

bool all_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::int64_t number_of(std::string_view digits) {
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

Result<std::int64_t> parse_usd(std::string_view text, std::string_view field) {
  const bool negative = text.starts_with('-');
  const std::string_view number = text.substr(negative ? 1 : 0);
  const auto point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  const std::string_view decimals =
      point == std::string_view::npos ? std::string_view() : number.substr(point + 1);
  const bool right_form = !whole.empty() && whole.size() <= 8 && all_digits(whole) &&
                          (point == std::string_view::npos || !decimals.empty()) &&
                          decimals.size() <= kDecimalsMax && all_digits(decimals);
  if (!right_form || number_of(whole) > kUsdMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is \"{}\", expected US dollars such as 0.02, at most {}, with at "
                            "most {} decimals",
                            field, text.substr(0, 40), kUsdMax, kDecimalsMax),
                std::string(field));
  std::string fraction(decimals);
  fraction.resize(kDecimalsMax, '0');
  const std::int64_t ticks = number_of(whole) * kTicksPerUsd + number_of(fraction);
  return negative ? -ticks : ticks;
}

std::string format_usd(std::int64_t usd_ticks) {
  // The magnitude is taken unsigned: the smallest number has no positive twin.
  const auto bits = static_cast<std::uint64_t>(usd_ticks);
  const std::uint64_t magnitude = usd_ticks < 0 ? 0 - bits : bits;
  std::string text = fmt::format("{}{}.{:010}", usd_ticks < 0 ? "-" : "", magnitude / kTicksPerUsd,
                                 magnitude % kTicksPerUsd);
  const std::size_t shortest = text.find('.') + 3;
  while (text.size() > shortest && text.back() == '0') text.pop_back();
  return text;
}

std::int64_t sum_of(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  CHECK(!__builtin_add_overflow(a, b, &sum), "{} and {} ticks do not fit", a, b);
  return sum;
}

std::int64_t product_of(std::int64_t price, std::int64_t count) {
  std::int64_t product = 0;
  CHECK(!__builtin_mul_overflow(price, count, &product), "{} times {} ticks do not fit", count,
        price);
  return product;
}

}  // namespace imagined::service
