#include "engine/models/flux1/flux1.h"

#include <algorithm>
#include <array>

#include "engine/ops/convert/convert.h"
#include "engine/ops/gelu/gelu.h"
#include "engine/ops/layer_norm/layer_norm.h"
#include "engine/ops/rope/rope.h"
#include "engine/ops/swiglu/swiglu.h"
#include "engine/ops/timestep_embedding/timestep_embedding.h"

namespace imagined::engine {
namespace {

// Rows of the MLP that are in flight at a time: for each such chunk its weights are packed once,
// which costs as much as multiplying dozens of rows.
constexpr std::int64_t kMlpRows = 1024;

}  // namespace

/// The vectors [D] that steer the blocks: a row per step, computed at once so that the weights,
/// more than a quarter of the model, are read once per picture.
class Flux1::Modulation {
 public:
  struct Branch {
    ConstMatrixView shift, scale, gate;  // [1, D]
  };

  /// embedding  [steps, D] f32, behind its SiLU.
  Modulation(const Flux1& model, const Context& context, ConstMatrixView embedding)
      : width_(model.width()),
        doubles_(static_cast<std::int64_t>(model.double_blocks_.size())),
        singles_(static_cast<std::int64_t>(model.single_blocks_.size())),
        vectors_(embedding.rows, vectors(model) * width_) {
    std::int64_t first = 0;
    const auto take = [&](const Linear& layer) {
      const std::int64_t count = layer.weight.n();
      apply(context, embedding, layer, vectors_.view().col_range(first, count));
      first += count;
    };
    for (const DoubleBlock& block : model.double_blocks_) take(block.modulation);
    for (const SingleBlock& block : model.single_blocks_) take(block.modulation);
    take(model.out_modulation_);
  }

  /// For each step.
  static std::int64_t vectors(const Flux1& model) {
    return 12 * static_cast<std::int64_t>(model.double_blocks_.size()) +
           3 * static_cast<std::int64_t>(model.single_blocks_.size()) + 2;
  }
  std::int64_t steps() const { return vectors_.rows(); }

  enum class Part : std::uint8_t { image_attention, image_mlp, text_attention, text_mlp };
  Branch of_double(std::int64_t step, std::size_t block, Part part) const {
    return branch(step, 12 * static_cast<std::int64_t>(block) + 3 * static_cast<int>(part));
  }
  Branch of_single(std::int64_t step, std::size_t block) const {
    return branch(step, 12 * doubles_ + 3 * static_cast<std::int64_t>(block));
  }
  /// Without a gate. Canonical names follow diffusers: scale first (flux.md 2.8).
  Branch of_output(std::int64_t step) const {
    const std::int64_t first = 12 * doubles_ + 3 * singles_;
    return {.shift = vector(step, first + 1), .scale = vector(step, first), .gate = {}};
  }

 private:
  ConstMatrixView vector(std::int64_t step, std::int64_t index) const {
    return vectors_.view().row_range(step, 1).col_range(index * width_, width_);
  }
  Branch branch(std::int64_t step, std::int64_t first) const {
    return {.shift = vector(step, first),
            .scale = vector(step, first + 1),
            .gate = vector(step, first + 2)};
  }

  std::int64_t width_, doubles_, singles_;
  Tensor vectors_;  // [steps, vectors * D]: double blocks 12 each, single blocks 3 each, output 2
};

/// Works on the rows of a workspace: [text | picture | references].
class Flux1::Pass {
 public:
  /// image  the picture and the references behind it.
  /// read   the rows that are read behind the last block.
  Pass(const Flux1& model, const Context& context, const RopeTable& table,
       const Modulation& modulation, int step, TokenRows text, TokenRows image, TokenRows read,
       TransformerWorkspace& workspace)
      : model_(model),
        context_(context),
        table_(table),
        mod_(modulation),
        step_(step),
        text_(text),
        image_(image),
        read_(read),
        ws_(workspace) {}

  Result<void> run(const std::stop_token& stop) {
    const std::size_t doubles = model_.double_blocks_.size();
    for (std::size_t i = 0; i < model_.blocks(); ++i) {
      if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
      if (i < doubles) {
        run_double(i);
      } else {
        run_single(i - doubles);
      }
    }
    return {};
  }

 private:
  TokenRows all() const { return {0, text_.count + image_.count}; }

  /// Modulated norm, then q, k and v, q and k normalised and turned.
  void project(TokenRows rows, const Modulation::Branch& branch, const Linear& layer,
               const HeadNorms& norms) {
    const MatrixView normed = rows.of(ws_.normed);
    layer_norm_modulate(context_, rows.of(ws_.hidden), branch.shift, branch.scale, epsilon_,
                        normed);
    apply(context_, normed, layer, rows.of(ws_.qkv));
    norm_and_turn(context_, rows.of(ws_.qkv), norms, epsilon_, table_.rows(rows.first, rows.count));
  }

  /// Attention of `queries` to all rows, into the first D columns of `joined`.
  void attend_to_all(TokenRows queries) {
    attend(context_, queries.of(ws_.qkv), all().of(ws_.qkv), model_.config_.head_dim,
           queries.of(ws_.joined).col_range(0, model_.width()));
  }

  /// hidden += gate * (out . [`cols` columns of joined from `first_col` on]), chunk by chunk, where
  /// the MLP columns of `joined` are gelu(in . normed).
  void feed_forward(TokenRows rows, const Linear& in, const Linear& out, ConstMatrixView gate,
                    std::int64_t first_col, std::int64_t cols) {
    for (std::int64_t first = 0; first < rows.count; first += kMlpRows) {
      const TokenRows chunk{rows.first + first, std::min(kMlpRows, rows.count - first)};
      const MatrixView joined = chunk.of(ws_.joined);
      const MatrixView inner = joined.col_range(model_.width(), model_.inner());
      apply(context_, chunk.of(ws_.normed), in, inner);
      gelu(context_, inner, Gelu::tanh, inner);
      apply(context_, joined.col_range(first_col, cols), out, chunk.of(ws_.hidden),
            {.gate = gate, .accumulate = true});
    }
  }

  void run_double(std::size_t index) {
    using enum Modulation::Part;
    const DoubleBlock& block = model_.double_blocks_[index];
    const std::int64_t d = model_.width();
    struct Side {
      const Stream& stream;
      Modulation::Branch attention, mlp;
      TokenRows rows;
    };
    const auto branch = [&](auto part) { return mod_.of_double(step_, index, part); };
    const Side sides[] = {
        {block.text, branch(text_attention), branch(text_mlp), text_},
        {block.image, branch(image_attention), branch(image_mlp), image_},
    };
    for (const Side& side : sides) {
      project(side.rows, side.attention, side.stream.qkv, side.stream.norms);
    }
    attend_to_all(all());
    for (const auto& [stream, attention, mlp, rows] : sides) {
      apply(context_, rows.of(ws_.joined).col_range(0, d), stream.proj, rows.of(ws_.hidden),
            {.gate = attention.gate, .accumulate = true});
      layer_norm_modulate(context_, rows.of(ws_.hidden), mlp.shift, mlp.scale, epsilon_,
                          rows.of(ws_.normed));
      feed_forward(rows, stream.mlp_in, stream.mlp_out, mlp.gate, d, model_.inner());
    }
  }

  void run_single(std::size_t index) {
    const SingleBlock& block = model_.single_blocks_[index];
    const Modulation::Branch branch = mod_.of_single(step_, index);
    project(all(), branch, block.qkv, block.norms);
    // Behind the last block only the picture is read, so only it is computed (flux.md 2.8).
    const TokenRows live = index + 1 == model_.single_blocks_.size() ? read_ : all();
    attend_to_all(live);
    feed_forward(live, block.mlp_in, block.out, branch.gate, 0, model_.width() + model_.inner());
  }

  const Flux1& model_;
  const Context& context_;
  const RopeTable& table_;
  const Modulation& mod_;
  const int step_;
  const TokenRows text_, image_, read_;
  TransformerWorkspace& ws_;
  const float epsilon_ = static_cast<float>(model_.config_.epsilon);
};

class Flux1::Picture final : public Denoiser {
 public:
  Picture(const Flux1& model, const Context& context, const DenoiseRequest& request)
      : model_(model),
        output_(request.rows * request.cols),
        text_(request.text.tokens.rows(), model.width()),
        modulation_(model, context, embed(context, request)) {
    CHECK(request.clip_frames == 0, "a clip of FLUX.1, whose pictures stand at no time");
    apply(context, request.text.tokens, model.text_in_, text_);
    const std::vector<int> axes(model.config_.rope_axes.begin(), model.config_.rope_axes.end());
    // Text stands at (0, 0, 0), the picture at (0, row, column), references at (1, row, column)
    // (flux.md 2.11, 6.4).
    std::vector<double> ids(static_cast<std::size_t>(3 * text_.rows()), 0.0);
    append_grid_ids(3, 0, request.rows, request.cols, ids);
    std::int64_t count = 0;
    for (const ReferenceTokens& reference : request.references) count += reference.latents.rows;
    references_ = Tensor(count, model.width());
    std::int64_t first = 0;
    for (const ReferenceTokens& reference : request.references) {
      apply(context, reference.latents, model.image_in_,
            references_.view().row_range(first, reference.latents.rows));
      append_grid_ids(3, 1, reference.rows, reference.cols, ids);
      first += reference.latents.rows;
    }
    table_ = make_rope_table(ids, axes, model.config_.rope_theta);
  }

  Result<void> velocity(const Context& context, int step, ConstMatrixView latents,
                        TransformerWorkspace& workspace, MatrixView velocity,
                        const std::stop_token& stop) override {
    CHECK(latents.rows == output_ && velocity.rows == output_, "{} tokens, {} velocities of {}",
          latents.rows, velocity.rows, output_);
    CHECK(step >= 0 && step < modulation_.steps(), "step {} of {}", step, modulation_.steps());
    reserve(workspace);
    const TokenRows text{0, text_.rows()};
    const TokenRows picture{text_.rows(), output_};
    const TokenRows references{text_.rows() + output_, references_.rows()};
    const TokenRows image{picture.first, output_ + references.count};
    const MatrixView hidden = picture.of(workspace.hidden);
    convert(context, text_, text.of(workspace.hidden));
    apply(context, latents, model_.image_in_, hidden);
    if (references.count > 0) convert(context, references_, references.of(workspace.hidden));
    TRY(Pass(model_, context, table_, modulation_, step, text, image, picture, workspace)
            .run(stop));

    const Modulation::Branch branch = modulation_.of_output(step);
    const MatrixView normed = picture.of(workspace.normed);
    layer_norm_modulate(context, hidden, branch.shift, branch.scale,
                        static_cast<float>(model_.config_.epsilon), normed);
    apply(context, normed, model_.image_out_, velocity);
    return {};
  }

  double flop(int /*step*/) const override {
    return model_.flop(
        {.text = text_.rows(), .picture = output_, .references = references_.rows()});
  }

 private:
  /// [steps, D], behind its SiLU: noise level, pooled prompt and guidance (flux.md 2.11).
  Tensor embed(const Context& context, const DenoiseRequest& request) const {
    const Flux1Config& config = model_.config_;
    const Vector& pooled = request.text.pooled;
    CHECK(pooled.size() == config.pooled_size, "pooled prompt of {}, expected {}", pooled.size(),
          config.pooled_size);
    CHECK(request.guidance.has_value() || !config.guidance_embeds, "no guidance to embed");
    Tensor same(1, model_.width());  // for all steps
    apply(context, pooled, model_.pooled_, same, false);
    if (config.guidance_embeds) {
      apply(context, sinusoids(std::array{*request.guidance}), model_.guidance_, same, true);
    }
    Tensor embedding(static_cast<std::int64_t>(request.sigmas.size()), model_.width());
    apply(context, sinusoids(request.sigmas), model_.time_, embedding, false);
    for (std::int64_t step = 0; step < embedding.rows(); ++step) {
      add_scaled(context, same, 1.0f, embedding.view().row_range(step, 1));
    }
    silu(context, embedding, embedding);
    return embedding;
  }

  /// A row for each noise level or guidance, both of which the network reads in thousandths.
  Tensor sinusoids(std::span<const float> values) const {
    std::vector<float> thousandths;
    for (const float value : values) thousandths.push_back(1000.0f * value);
    Tensor rows(static_cast<std::int64_t>(values.size()), model_.config_.timestep_channels);
    timestep_embedding(thousandths, rows);
    return rows;
  }

  void reserve(TransformerWorkspace& workspace) const {
    const DType activations = model_.format_.activations;
    const std::int64_t tokens = text_.rows() + output_ + references_.rows();
    const std::int64_t d = model_.width();
    grow(workspace.hidden, tokens, d, DType::f32);
    grow(workspace.normed, tokens, d, activations);
    grow(workspace.qkv, tokens, 3 * d, activations);
    grow(workspace.joined, tokens, d + model_.inner(), activations);
  }

  const Flux1& model_;
  std::int64_t output_ = 0;
  Tensor text_;        // [T, D] f32, projected features
  Tensor references_;  // [R, D] f32, projected latents
  Modulation modulation_;
  RopeTable table_;  // S rows
};

double Flux1::flop(const TokenCounts& tokens) const {
  const auto d = static_cast<double>(width());
  const auto f = static_cast<double>(inner());
  const auto n = static_cast<double>(tokens.picture);
  const auto s = static_cast<double>(tokens.all());
  const double per_token = 4 * d * d + 2 * d * f;  // multiply-adds of either block kind
  double flop = static_cast<double>(blocks()) * (2 * s * per_token + 4 * d * s * s);
  flop += 2 * d * n * static_cast<double>(2 * config_.channels);
  if (!single_blocks_.empty()) {  // the last one, without what nobody reads
    flop -= 2 * (s - n) * (d * d + 2 * d * f) + 4 * d * s * (s - n);
  }
  return flop;
}

WorkCost Flux1::step_cost(const TokenCounts& tokens, int steps) const {
  const DType act = format_.activations;
  const std::int64_t all = tokens.all();
  const std::int64_t joined = width() + inner();
  const std::int64_t of_workspace =
      matrix_bytes(all, width(), DType::f32) + matrix_bytes(all, 4 * width() + joined, act);
  const std::int64_t of_picture =
      matrix_bytes(tokens.text + tokens.references, width(), DType::f32) +
      matrix_bytes(all, config_.head_dim, DType::f32) +
      matrix_bytes(3 * tokens.picture, config_.channels, DType::f32) +
      matrix_bytes(steps, Modulation::vectors(*this) * width(), DType::f32);
  return {.flop = flop(tokens),
          .bytes = of_workspace + of_picture +
                   std::max(matrix_bytes(all, width(), act),
                            matrix_bytes(std::min(all, kMlpRows), joined, act))};
}

std::unique_ptr<Denoiser> Flux1::begin(const Context& context,
                                       const DenoiseRequest& request) const {
  return std::make_unique<Picture>(*this, context, request);
}

}  // namespace imagined::engine
