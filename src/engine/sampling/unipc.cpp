#include "engine/sampling/unipc.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "engine/ops/convert/convert.h"

namespace imagined::engine {
namespace {

struct Share {
  double factor = 0;
  const Tensor& of;
};

/// out = the sum of all shares; out is none of them.
void combine(const Context& context, std::initializer_list<Share> shares, MatrixView out) {
  for (std::int64_t row = 0; row < out.rows; ++row)
    std::fill_n(out.row<float>(row), out.cols, 0.0f);
  for (const Share& share : shares)
    if (share.factor != 0) add_scaled(context, share.of, static_cast<float>(share.factor), out);
}

}  // namespace

Result<UniPcSchedule> make_unipc_schedule(double shift, double train_timesteps, int steps) {
  if (steps < 1)
    return fail(ErrorCode::invalid_argument, fmt::format("{} steps: at least 1", steps), "steps");
  UniPcSchedule schedule;
  const double last = 1 / train_timesteps;
  for (int i = 0; i < steps; ++i) {
    const double u = 1 + i * ((last - 1) / steps);
    double level = shift * u / (1 + (shift - 1) * u);
    constexpr double kLess = 1e-6;
    if (i == 0 && std::abs(level - 1) < kLess) level -= kLess;
    schedule.levels.push_back(static_cast<float>(level));
    schedule.times.push_back(
        static_cast<float>(std::trunc(level * train_timesteps) / train_timesteps));
  }
  schedule.levels.push_back(0);
  return schedule;
}

double UniPc::log_ratio(std::size_t index) const {
  const double level = static_cast<double>(levels_[index]);
  return std::log(1 - level) - std::log(level);
}

void UniPc::predict(const Context& context, MatrixView latents) const {
  const std::size_t s = step_;
  const double level = static_cast<double>(levels_[s + 1]);
  const double h = log_ratio(s + 1) - log_ratio(s);
  const double toward = -(1 - level) * std::expm1(-h);
  double difference = 0;
  if (order_ == 2) difference = toward / 2 / ((log_ratio(s - 1) - log_ratio(s)) / h);
  combine(context,
          {{level / static_cast<double>(levels_[s]), start_},
           {toward - difference, data_},
           {difference, order_ == 2 ? older_ : data_}},
          latents);
}

void UniPc::correct(const Context& context, MatrixView latents) const {
  const std::size_t t = step_;
  const double level = static_cast<double>(levels_[t]);
  const double h = log_ratio(t) - log_ratio(t - 1);
  const double toward = -(1 - level) * std::expm1(-h);
  double of_now = toward / 2;
  double of_older = 0;
  if (order_ == 2) {
    const double r = (log_ratio(t - 2) - log_ratio(t - 1)) / h;
    const double grown = std::expm1(-h);
    const double first = grown / -h - 1;
    const double b1 = first / grown;
    const double b2 = (first / -h - 0.5) * 2 / grown;
    const double rho = (b2 - b1) / (r - 1);
    of_older = toward * rho / r;
    of_now = toward * (b1 - rho);
  }
  combine(context,
          {{level / static_cast<double>(levels_[t - 1]), start_},
           {toward - of_now - of_older, data_},
           {of_older, order_ == 2 ? older_ : data_},
           {of_now, now_}},
          latents);
}

void UniPc::step(const Context& context, ConstMatrixView velocity, MatrixView latents) {
  CHECK(step_ + 1 < levels_.size(), "step {} of {}", step_, levels_.size() - 1);
  now_ = Tensor(latents.rows, latents.cols);
  convert(context, latents, now_);
  add_scaled(context, velocity, -levels_[step_], now_);
  if (step_ > 0) correct(context, latents);
  older_ = std::exchange(data_, std::move(now_));
  const auto left = static_cast<int>(levels_.size() - 1 - step_);
  order_ = std::min({2, left, static_cast<int>(step_) + 1});
  start_ = Tensor(latents.rows, latents.cols);
  convert(context, latents, start_);
  predict(context, latents);
  ++step_;
}

}  // namespace imagined::engine
