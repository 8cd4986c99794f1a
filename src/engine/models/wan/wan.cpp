#include "engine/models/wan/wan.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/models/common/joint_attention.h"
#include "engine/ops/attention/attention.h"
#include "engine/ops/convert/convert.h"
#include "engine/ops/gelu/gelu.h"
#include "engine/ops/layer_norm/layer_norm.h"
#include "engine/ops/rms_norm/rms_norm.h"
#include "engine/ops/rope/rope.h"
#include "engine/ops/swiglu/swiglu.h"
#include "engine/ops/timestep_embedding/timestep_embedding.h"

namespace imagined::engine {
namespace {

// Rows of the MLP that are in flight at a time: for each such chunk its weights are packed once,
// which costs as much as multiplying dozens of rows.
constexpr std::int64_t kMlpRows = 1024;
constexpr double kRopeTheta = 10000;

/// Neighbouring tokens of one noise level, and the row of it in the tables of a clip.
struct Level {
  TokenRows rows;
  std::int64_t time = 0;
};

}  // namespace

/// What the blocks read of the noise levels: a row for each step, and behind them one for level 0.
struct WanTimes {
  Tensor embedding;   // [steps + 1, D]
  Tensor modulation;  // [steps + 1, 6 D]
};

/// Works on the rows of a workspace: [reference | frames to be made].
class Wan::Pass {
 public:
  Pass(const Wan& model, const Context& context, const RopeTable& table, const WanTimes& times,
       const std::vector<Tensor>& text, std::vector<Level> levels, TransformerWorkspace& workspace)
      : model_(model),
        context_(context),
        table_(table),
        times_(times),
        text_(text),
        levels_(std::move(levels)),
        all_{0, levels_.back().rows.first + levels_.back().rows.count},
        ws_(workspace) {}

  Result<> run(const std::stop_token& stop) {
    for (std::size_t i = 0; i < model_.blocks_.size(); ++i) {
      if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
      run_block(model_.blocks_[i], text_[i]);
    }
    return {};
  }

 private:
  /// Shift, scale and gate of the attention, then of the MLP, in one row.
  class Vectors {
   public:
    Vectors(const Context& context, const Vector& own, ConstMatrixView of_time)
        : sum_(1, own.size()), width_(own.size() / 6) {
      convert(context, own, sum_);
      add_scaled(context, of_time, 1.0f, sum_);
    }
    ConstMatrixView operator[](std::int64_t index) const {
      return sum_.view().col_range(index * width_, width_);
    }

   private:
    Tensor sum_;
    std::int64_t width_;
  };

  MatrixView normed(TokenRows rows) { return rows.of(ws_.normed); }
  MatrixView attended(TokenRows rows) { return rows.of(ws_.joined).col_range(0, model_.width()); }

  void run_block(const Block& block, const Tensor& text) {
    const std::int64_t d = model_.width();
    std::vector<Vectors> vectors;
    for (const Level& level : levels_)
      vectors.emplace_back(context_, block.modulation,
                           times_.modulation.view().row_range(level.time, 1));
    const auto norm = [&](std::int64_t first) {
      for (std::size_t i = 0; i < levels_.size(); ++i)
        layer_norm_modulate(context_, levels_[i].rows.of(ws_.hidden), vectors[i][first],
                            vectors[i][first + 1], epsilon_, normed(levels_[i].rows));
    };

    norm(0);
    const MatrixView qkv = all_.of(ws_.qkv);
    apply(context_, normed(all_), block.self.qkv, qkv);
    const MatrixView q = qkv.col_range(0, d);
    const MatrixView k = qkv.col_range(d, d);
    norm_heads(q, block.self.norm_q);
    norm_heads(k, block.self.norm_k);
    for (const MatrixView& turned : {q, k})
      rope_heads(context_, turned, head_dim_, table_, RopeLayout::interleaved);
    attend(q, k, qkv.col_range(2 * d, d));
    for (std::size_t i = 0; i < levels_.size(); ++i)
      apply(context_, attended(levels_[i].rows), block.self.out, levels_[i].rows.of(ws_.hidden),
            {.gate = vectors[i][2], .accumulate = true});

    layer_norm(context_, all_.of(ws_.hidden), block.text_norm_weight, block.text_norm_bias,
               epsilon_, normed(all_));
    apply(context_, normed(all_), block.text.q, q);
    norm_heads(q, block.text.norm_q);
    attend(q, text.view().col_range(0, d), text.view().col_range(d, d));
    apply(context_, attended(all_), block.text.out, all_.of(ws_.hidden), {.accumulate = true});

    norm(3);
    for (std::size_t i = 0; i < levels_.size(); ++i)
      feed_forward(levels_[i].rows, block, vectors[i][5]);
  }

  void norm_heads(MatrixView x, const Vector& weight) {
    rms_norm(context_, x, weight, epsilon_, x);
  }

  /// Into the first D columns of `joined`.
  void attend(ConstMatrixView q, ConstMatrixView k, ConstMatrixView v) {
    attention(context_, q, k, v,
              {.head_dim = head_dim_, .scale = 1.0f / std::sqrt(static_cast<float>(head_dim_))},
              attended(all_));
  }

  void feed_forward(TokenRows rows, const Block& block, ConstMatrixView gate) {
    for (std::int64_t first = 0; first < rows.count; first += kMlpRows) {
      const TokenRows chunk{rows.first + first, std::min(kMlpRows, rows.count - first)};
      const MatrixView inner = ws_.inner.view().row_range(0, chunk.count);
      apply(context_, normed(chunk), block.mlp_in, inner);
      gelu(context_, inner, Gelu::tanh, inner);
      apply(context_, inner, block.mlp_out, chunk.of(ws_.hidden),
            {.gate = gate, .accumulate = true});
    }
  }

  const Wan& model_;
  const Context& context_;
  const RopeTable& table_;
  const WanTimes& times_;
  const std::vector<Tensor>& text_;
  const std::vector<Level> levels_;
  const TokenRows all_;
  TransformerWorkspace& ws_;
  const std::int64_t head_dim_ = model_.config_.head_dim;
  const float epsilon_ = static_cast<float>(model_.config_.epsilon);
};

class Wan::Clip final : public Denoiser {
 public:
  Clip(const Wan& model, const Context& context, const DenoiseRequest& request)
      : model_(model), steps_(static_cast<std::int64_t>(request.sigmas.size())) {
    CHECK(request.references.size() <= 1, "{} references of a clip", request.references.size());
    const std::int64_t frames = std::max<std::int64_t>(request.clip_frames, 1);
    made_ = frames * request.rows * request.cols;
    embed_times(context, request.sigmas);
    read_text(context, request.text.tokens);
    std::vector<double> ids;
    double time = 0;
    for (const ReferenceTokens& reference : request.references) {
      CHECK(reference.rows == request.rows && reference.cols == request.cols,
            "a first frame of {} x {} tokens of a clip of {} x {}", reference.rows, reference.cols,
            request.rows, request.cols);
      first_frame_ = Tensor(reference.latents.rows, model.width());
      apply(context, reference.latents, model.patch_in_, first_frame_);
      append_grid_ids(3, time++, request.rows, request.cols, ids);
    }
    for (std::int64_t frame = 0; frame < frames; ++frame)
      append_grid_ids(3, time++, request.rows, request.cols, ids);
    const std::vector<int> axes(model.config_.rope_axes.begin(), model.config_.rope_axes.end());
    table_ = make_rope_table(ids, axes, kRopeTheta);
  }

  Result<> velocity(const Context& context, int step, ConstMatrixView latents,
                    TransformerWorkspace& workspace, MatrixView velocity,
                    const std::stop_token& stop) override {
    CHECK(latents.rows == made_ && velocity.rows == made_, "{} tokens, {} velocities of {}",
          latents.rows, velocity.rows, made_);
    CHECK(step >= 0 && step < steps_, "step {} of {}", step, steps_);
    const std::int64_t given = first_frame_.rows();
    const std::int64_t d = model_.width();
    const DType act = model_.format_.activations;
    grow(workspace.hidden, given + made_, d, DType::f32);
    grow(workspace.normed, given + made_, d, act);
    grow(workspace.qkv, given + made_, 3 * d, act);
    grow(workspace.joined, given + made_, d, act);
    grow(workspace.inner, std::min(kMlpRows, std::max(given, made_)), model_.config_.ffn_size, act);
    const TokenRows made{given, made_};
    std::vector<Level> levels;
    if (given > 0) {
      convert(context, first_frame_, workspace.hidden.view().row_range(0, given));
      levels.push_back({{0, given}, steps_});
    }
    levels.push_back({made, step});
    apply(context, latents, model_.patch_in_, made.of(workspace.hidden));
    TRY(Pass(model_, context, table_, times_, text_, levels, workspace).run(stop));

    Tensor vectors(1, 2 * d);  // shift and scale
    convert(context, model_.out_modulation_, vectors);
    for (std::int64_t i = 0; i < 2; ++i)
      add_scaled(context, times_.embedding.view().row_range(step, 1), 1.0f,
                 vectors.view().col_range(i * d, d));
    const MatrixView normed = made.of(workspace.normed);
    layer_norm_modulate(context, made.of(workspace.hidden), vectors.view().col_range(0, d),
                        vectors.view().col_range(d, d), static_cast<float>(model_.config_.epsilon),
                        normed);
    apply(context, normed, model_.out_, velocity);
    return {};
  }

  double flop(int /*step*/) const override {
    return model_.flop({.text = text_rows_, .picture = made_, .references = first_frame_.rows()});
  }

 private:
  void embed_times(const Context& context, std::span<const float> sigmas) {
    const std::int64_t d = model_.width();
    std::vector<float> thousandths;
    for (const float sigma : sigmas) thousandths.push_back(1000.0f * sigma);
    thousandths.push_back(0);
    Tensor sinusoids(steps_ + 1, model_.config_.time_channels);
    timestep_embedding(thousandths, sinusoids);
    times_.embedding = Tensor(steps_ + 1, d);
    apply(context, sinusoids, model_.time_, times_.embedding, false);
    Tensor active(steps_ + 1, d);
    silu(context, times_.embedding, active);
    times_.modulation = Tensor(steps_ + 1, 6 * d);
    apply(context, active, model_.time_modulation_, times_.modulation);
  }

  /// Keys and values of each block, which no step changes.
  void read_text(const Context& context, ConstMatrixView features) {
    const std::int64_t d = model_.width();
    text_rows_ = features.rows;
    Tensor inner(features.rows, d);
    apply(context, features, model_.text_in_, inner);
    gelu(context, inner, Gelu::tanh, inner);
    Tensor projected(features.rows, d, model_.format_.activations);
    apply(context, inner, model_.text_out_, projected);
    for (const Block& block : model_.blocks_) {
      Tensor kv(features.rows, 2 * d, model_.format_.activations);
      apply(context, projected, block.text.kv, kv);
      const MatrixView keys = kv.view().col_range(0, d);
      rms_norm(context, keys, block.text.norm_k, static_cast<float>(model_.config_.epsilon), keys);
      text_.push_back(std::move(kv));
    }
  }

  const Wan& model_;
  const std::int64_t steps_;
  std::int64_t made_ = 0;
  std::int64_t text_rows_ = 0;
  Tensor first_frame_;        // [rows * cols, D] f32, projected latents; or empty
  std::vector<Tensor> text_;  // [text rows, 2 D] of each block
  WanTimes times_;
  RopeTable table_;  // a row for each token
};

double Wan::flop(const TokenCounts& tokens) const {
  const auto d = static_cast<double>(width());
  const auto f = static_cast<double>(config_.ffn_size);
  const auto n = static_cast<double>(tokens.picture + tokens.references);
  const auto t = static_cast<double>(tokens.text);
  const double per_token = 6 * d * d + 2 * d * f;  // multiply-adds of a block
  return static_cast<double>(blocks_.size()) * (2 * n * per_token + 4 * d * n * (n + t)) +
         4 * d * static_cast<double>(tokens.picture * config_.token_channels());
}

WorkCost Wan::step_cost(const TokenCounts& tokens, int steps) const {
  const DType act = format_.activations;
  const std::int64_t all = tokens.picture + tokens.references;
  const std::int64_t d = width();
  const std::int64_t of_workspace = matrix_bytes(all, d, DType::f32) +
                                    matrix_bytes(all, 5 * d, act) +
                                    matrix_bytes(std::min(kMlpRows, all), config_.ffn_size, act);
  const std::int64_t of_clip =
      matrix_bytes(tokens.references, d, DType::f32) +
      matrix_bytes(all, config_.head_dim, DType::f32) +
      matrix_bytes(3 * tokens.picture, config_.token_channels(), DType::f32) +
      matrix_bytes(steps + 1, 7 * d, DType::f32) +
      config_.layers * matrix_bytes(tokens.text, 2 * d, act);
  // A product in int8 rounds its rows into a matrix of its own; each is at most as wide as the MLP.
  return {.flop = flop(tokens),
          .bytes = of_workspace + of_clip +
                   std::max(matrix_bytes(all, d, act),
                            matrix_bytes(std::min(kMlpRows, all), config_.ffn_size, act))};
}

std::unique_ptr<Denoiser> Wan::begin(const Context& context, const DenoiseRequest& request) const {
  return std::make_unique<Clip>(*this, context, request);
}

}  // namespace imagined::engine
