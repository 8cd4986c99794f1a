#include "engine/models/flux2/flux2.h"

#include <algorithm>

#include "engine/models/flux2/modulation.h"
#include "engine/ops/convert/convert.h"
#include "engine/ops/layer_norm/layer_norm.h"
#include "engine/ops/rope/rope.h"
#include "engine/ops/swiglu/swiglu.h"
#include "engine/ops/timestep_embedding/timestep_embedding.h"

namespace imagined::engine {
namespace {

// Rows of the MLP that are in flight at a time: for each such chunk its weights are packed once,
// which costs as much as multiplying dozens of rows, and [1024, 2 F] in bf16 is 38 MB for klein-4B,
// which swiglu reads back once.
constexpr std::int64_t kMlpRows = 1024;

constexpr double kReferenceTimeStep = 10;  // reference i sits at time 10 + 10 i (flux.md 2.5)

/// Position ids (t, h, w, l) of a text of `tokens` tokens.
void append_text_ids(std::int64_t tokens, std::vector<double>& ids) {
  for (std::int64_t l = 0; l < tokens; ++l) {
    ids.insert(ids.end(), {0.0, 0.0, 0.0, static_cast<double>(l)});
  }
}

}  // namespace

/// Works on the rows of a workspace: [text | picture | references].
class Flux2::Pass {
 public:
  Pass(const Flux2& model, const Context& context, const RopeTable& table,
       ConstMatrixView modulation, TransformerWorkspace& workspace)
      : model_(model), context_(context), table_(table), mod_(modulation), ws_(workspace) {}

  TokenRows text, image;  // what is computed: the two streams of the double blocks, neighbours
  TokenRows keys;         // what it looks at; includes what is computed
  TokenRows read;         // of what is computed, the rows that are read behind the last block
  /// [R, 2 D] per block: keys and values of the references, the last rows of `keys`. `store` takes
  /// them down, `recall` puts them where this pass does not compute them.
  std::vector<Tensor>* store = nullptr;
  const std::vector<Tensor>* recall = nullptr;

  Result<void> run(const std::stop_token& stop) {
    for (std::size_t i = 0; i < model_.blocks(); ++i) {
      if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
      if (i < model_.double_blocks_.size()) {
        run_double(model_.double_blocks_[i], i);
      } else {
        run_single(model_.single_blocks_[i - model_.double_blocks_.size()], i);
      }
    }
    return {};
  }

 private:
  TokenRows computed() const {
    return {std::min(text.first, image.first), text.count + image.count};
  }

  /// Modulated norm, then q, k and v, q and k normalised and turned.
  void project(TokenRows rows, const Flux2Modulation::Branch& branch, const MatmulWeight& weight,
               const HeadNorms& norms) {
    const MatrixView normed = rows.of(ws_.normed);
    layer_norm_modulate(context_, rows.of(ws_.hidden), branch.shift, branch.scale, epsilon_,
                        normed);
    matmul(context_, normed, weight, rows.of(ws_.qkv));
    norm_and_turn(context_, rows.of(ws_.qkv), norms, epsilon_, table_.rows(rows.first, rows.count));
  }

  /// Attention of `queries` into the first D columns of `joined`.
  void attend_to_keys(TokenRows queries, std::size_t block) {
    const std::int64_t d = model_.width();
    const MatrixView all = keys.of(ws_.qkv);
    if (store != nullptr) convert(context_, all.col_range(d, 2 * d), (*store)[block]);
    if (recall != nullptr) {
      const Tensor& references = (*recall)[block];
      const std::int64_t count = references.rows();
      convert(context_, references, all.row_range(keys.count - count, count).col_range(d, 2 * d));
    }
    attend(context_, queries.of(ws_.qkv), all, model_.config_.head_dim,
           queries.of(ws_.joined).col_range(0, d));
  }

  /// hidden += gate * (out . [joined's columns that `read_cols` shows]), chunk by chunk, where the
  /// MLP columns of `joined` are swiglu(in . normed).
  void feed_forward(TokenRows rows, const MatmulWeight& in, const MatmulWeight& out,
                    ConstMatrixView gate, std::int64_t first_col, std::int64_t cols) {
    const std::int64_t d = model_.width();
    for (std::int64_t first = 0; first < rows.count; first += kMlpRows) {
      const TokenRows chunk{rows.first + first, std::min(kMlpRows, rows.count - first)};
      const MatrixView gate_up = TokenRows{0, chunk.count}.of(ws_.inner);
      matmul(context_, chunk.of(ws_.normed), in, gate_up);
      swiglu(context_, gate_up, chunk.of(ws_.joined).col_range(d, model_.inner()));
      matmul(context_, chunk.of(ws_.joined).col_range(first_col, cols), out, chunk.of(ws_.hidden),
             {.gate = gate, .accumulate = true});
    }
  }

  void run_double(const DoubleBlock& block, std::size_t index) {
    struct Side {
      const Stream& stream;
      const Flux2Modulation::Branch* branches;
      TokenRows rows;
    };
    const std::int64_t d = model_.width();
    const Side sides[] = {{block.text, mod_.text, text}, {block.image, mod_.image, image}};
    for (const auto& [stream, branches, rows] : sides) {
      project(rows, branches[0], stream.qkv, stream.norms);
    }
    attend_to_keys(computed(), index);
    for (const auto& [stream, branches, rows] : sides) {
      const MatrixView hidden = rows.of(ws_.hidden);
      matmul(context_, rows.of(ws_.joined).col_range(0, d), stream.proj, hidden,
             {.gate = branches[0].gate, .accumulate = true});
      layer_norm_modulate(context_, hidden, branches[1].shift, branches[1].scale, epsilon_,
                          rows.of(ws_.normed));
      feed_forward(rows, stream.mlp_in, stream.mlp_out, branches[1].gate, d, model_.inner());
    }
  }

  void run_single(const SingleBlock& block, std::size_t index) {
    project(computed(), mod_.single, block.qkv, block.norms);
    // After the last block only some rows are read, so only they are computed (flux.md 2.8).
    const TokenRows live = index + 1 == model_.blocks() ? read : computed();
    attend_to_keys(live, index);
    feed_forward(live, block.mlp_in, block.out, mod_.single.gate, 0,
                 model_.width() + model_.inner());
  }

  const Flux2& model_;
  const Context& context_;
  const RopeTable& table_;
  const Flux2Modulation mod_;
  TransformerWorkspace& ws_;
  const float epsilon_ = static_cast<float>(model_.config_.epsilon);
};

class Flux2::Picture final : public Denoiser {
 public:
  Picture(const Flux2& model, const Context& context, const DenoiseRequest& request)
      : model_(model),
        output_(request.rows * request.cols * std::max<std::int64_t>(request.clip_frames, 1)) {
    CHECK(request.clip_frames == 0 || request.references.size() == 1, "a clip with {} references",
          request.references.size());
    take_text(context, request);
    take_references(context, request);
    std::vector<float> levels(request.sigmas.begin(), request.sigmas.end());
    if (caches_references()) levels.push_back(0.0f);
    modulation_ = model.modulation(context, levels, request.guidance);
  }

  Result<void> velocity(const Context& context, int step, ConstMatrixView latents,
                        TransformerWorkspace& workspace, MatrixView velocity,
                        const std::stop_token& stop) override {
    CHECK(latents.rows == output_ && velocity.rows == output_, "{} tokens, {} velocities of {}",
          latents.rows, velocity.rows, output_);
    reserve(workspace);
    if (caches_references() && cache_.empty()) TRY(cache_references(context, workspace, stop));
    const TokenRows picture{text_.rows(), output_};
    convert(context, text_, TokenRows{0, text_.rows()}.of(workspace.hidden));
    matmul(context, latents, model_.image_in_, picture.of(workspace.hidden));

    Pass pass(model_, context, table_, modulation_.view().row_range(step, 1), workspace);
    pass.text = {0, text_.rows()};
    pass.image = picture;
    pass.keys = {0, tokens()};
    pass.read = picture;
    if (caches_references()) {
      pass.recall = &cache_;
    } else if (references_.rows() > 0) {
      convert(context, references_, reference_rows().of(workspace.hidden));
      pass.image.count += references_.rows();
    }
    TRY(pass.run(stop));

    const Flux2Modulation mod(modulation_.view().row_range(step, 1));
    const MatrixView normed = picture.of(workspace.normed);
    layer_norm_modulate(context, picture.of(workspace.hidden), mod.out_shift, mod.out_scale,
                        static_cast<float>(model_.config_.epsilon), normed);
    matmul(context, normed, model_.image_out_, velocity);
    return {};
  }

  double flop(int step) const override {
    const std::int64_t references = references_.rows();
    const double in_and_out = model_.in_and_out_flop(output_);
    if (!caches_references()) return in_and_out + model_.flop(tokens(), tokens(), output_);
    return in_and_out + model_.flop(tokens() - references, tokens(), output_) +
           (step == 0 ? model_.flop(references, references, 0) : 0.0);
  }

 private:
  std::int64_t tokens() const { return text_.rows() + output_ + references_.rows(); }
  TokenRows reference_rows() const { return {text_.rows() + output_, references_.rows()}; }
  bool caches_references() const {
    return model_.config_.cached_references && references_.rows() > 0;
  }

  void take_text(const Context& context, const DenoiseRequest& request) {
    const ConstMatrixView features = request.text.tokens;
    text_ = Tensor(features.rows, model_.width());
    matmul(context, features, model_.text_in_, text_);
  }

  void take_references(const Context& context, const DenoiseRequest& request) {
    std::vector<double> ids;
    append_text_ids(text_.rows(), ids);
    const bool is_clip = request.clip_frames > 0;
    if (!is_clip) append_grid_ids(4, 0, request.rows, request.cols, ids);
    for (std::int64_t i = 0; i < request.clip_frames; ++i)
      append_grid_ids(4, static_cast<double>(request.clip_first + i * request.clip_stride),
                      request.rows, request.cols, ids);
    std::int64_t count = 0;
    for (const ReferenceTokens& reference : request.references) count += reference.latents.rows;
    references_ = Tensor(count, model_.width());
    double time = is_clip ? 0 : kReferenceTimeStep;
    std::int64_t first = 0;
    for (const ReferenceTokens& reference : request.references) {
      matmul(context, reference.latents, model_.image_in_,
             references_.view().row_range(first, reference.latents.rows));
      append_grid_ids(4, time, reference.rows, reference.cols, ids);
      first += reference.latents.rows;
      time += kReferenceTimeStep;
    }
    const std::vector<int> axes(model_.config_.rope_axes.begin(), model_.config_.rope_axes.end());
    table_ = make_rope_table(ids, axes, model_.config_.rope_theta);
  }

  /// Runs the references by themselves and keeps what the picture will look at.
  Result<void> cache_references(const Context& context, TransformerWorkspace& workspace,
                                const std::stop_token& stop) {
    std::vector<Tensor> cache;
    for (std::size_t i = 0; i < model_.blocks(); ++i) {
      cache.emplace_back(references_.rows(), 2 * model_.width(), model_.format_.activations);
    }
    convert(context, references_, reference_rows().of(workspace.hidden));
    Pass pass(model_, context, table_, modulation_.view().row_range(modulation_.rows() - 1, 1),
              workspace);
    pass.text = {reference_rows().first, 0};
    pass.image = pass.keys = reference_rows();
    pass.read = {reference_rows().first, 0};
    pass.store = &cache;
    TRY(pass.run(stop));
    cache_ = std::move(cache);
    return {};
  }

  void reserve(TransformerWorkspace& workspace) const {
    const DType activations = model_.format_.activations;
    const std::int64_t d = model_.width();
    grow(workspace.hidden, tokens(), d, DType::f32);
    grow(workspace.normed, tokens(), d, activations);
    grow(workspace.qkv, tokens(), 3 * d, activations);
    grow(workspace.joined, tokens(), d + model_.inner(), activations);
    grow(workspace.inner, std::min(tokens(), kMlpRows), 2 * model_.inner(), activations);
  }

  const Flux2& model_;
  std::int64_t output_ = 0;
  Tensor text_;        // [T, D] f32, projected features
  Tensor references_;  // [R, D] f32, projected latents
  RopeTable table_;    // S rows
  Tensor modulation_;  // a row per step, and one for noise level 0 when references are cached
  std::vector<Tensor> cache_;  // see Pass; empty before the first step
};

std::unique_ptr<Denoiser> Flux2::begin(const Context& context,
                                       const DenoiseRequest& request) const {
  return std::make_unique<Picture>(*this, context, request);
}

Tensor Flux2::modulation(const Context& context, std::span<const float> sigmas,
                         std::optional<float> guidance) const {
  const auto count = static_cast<std::int64_t>(sigmas.size());
  Tensor time(count, width());
  // The values of the rows through one embedding MLP; adds to `time` when asked.
  const auto embed = [&](const TimeMlp& mlp, std::span<const float> values, bool accumulate) {
    Tensor sinusoid(count, config_.timestep_channels);
    timestep_embedding(values, sinusoid);
    Tensor inner(count, width());
    matmul(context, sinusoid, mlp.in, inner);
    silu(context, inner, inner);
    matmul(context, inner, mlp.out, time, {.accumulate = accumulate});
  };
  std::vector<float> thousandths;
  for (const float sigma : sigmas) thousandths.push_back(1000.0f * sigma);
  embed(time_, thousandths, false);
  if (config_.guidance_embeds && guidance.has_value()) {
    embed(guidance_, std::vector<float>(sigmas.size(), 1000.0f * guidance.value()), true);
  }
  silu(context, time, time);
  Tensor modulation(count, kFlux2AllParts * width());
  matmul(context, time, modulation_, modulation);
  return modulation;
}

double Flux2::in_and_out_flop(std::int64_t rows) const {
  return 2.0 * static_cast<double>(width()) * static_cast<double>(rows) *
         static_cast<double>(config_.in_channels + config_.out_channels);
}

WorkCost Flux2::step_cost(const TokenCounts& tokens, int steps) const {
  const DType act = format_.activations;
  const std::int64_t all = tokens.all();
  const std::int64_t chunk = std::min(all, kMlpRows);
  const std::int64_t joined = width() + inner();
  const std::int64_t of_workspace = matrix_bytes(all, width(), DType::f32) +
                                    matrix_bytes(all, 4 * width() + joined, act) +
                                    matrix_bytes(chunk, 2 * inner(), act);
  const std::int64_t of_picture =
      matrix_bytes(tokens.text + tokens.references, width(), DType::f32) +
      matrix_bytes(all, config_.head_dim, DType::f32) +
      matrix_bytes(3 * tokens.picture, config_.in_channels, DType::f32) +
      matrix_bytes(steps, kFlux2AllParts * width(), DType::f32);
  std::int64_t cache = 0;
  if (config_.cached_references && tokens.references > 0)
    cache = static_cast<std::int64_t>(blocks()) * matrix_bytes(tokens.references, 2 * width(), act);
  return {.flop = in_and_out_flop(tokens.picture) + flop(all, all, tokens.picture),
          .bytes = of_workspace + of_picture + cache +
                   std::max(matrix_bytes(all, width(), act), matrix_bytes(chunk, joined, act))};
}

double Flux2::flop(std::int64_t rows, std::int64_t keys, std::int64_t read) const {
  const auto d = static_cast<double>(width());
  const auto f = static_cast<double>(inner());
  const auto computed = static_cast<double>(rows);
  const auto seen = static_cast<double>(keys);
  const double per_token = 4 * d * d + 3 * d * f;  // multiply-adds of either block kind
  double flop =
      static_cast<double>(blocks()) * (2 * computed * per_token + 4 * d * computed * seen);
  if (!single_blocks_.empty()) {  // the last one, without what nobody reads
    const double unread = computed - static_cast<double>(read);
    flop -= 2 * unread * (d * d + 3 * d * f) + 4 * d * seen * unread;
  }
  return flop;
}

}  // namespace imagined::engine
