#include "engine/models/flux2/flux2.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/ops/attention/attention.h"
#include "engine/ops/convert/convert.h"
#include "engine/ops/layer_norm/layer_norm.h"
#include "engine/ops/swiglu/swiglu.h"
#include "engine/ops/timestep_embedding/timestep_embedding.h"

namespace imagined::engine {
namespace {

// Rows of the MLP that are in flight at a time: [512, 2 F] in bf16 is 19 MB for klein-4B, which
// still lies in a 32 MB cache when swiglu reads it back, and the weights are streamed 9 times at
// 1024 x 1024 instead of once per row block.
constexpr std::int64_t kMlpRows = 512;

// Sizes of the parts of one row of `Flux2::modulation`, in units of D.
constexpr std::int64_t kDoubleParts = 6;
constexpr std::int64_t kSingleParts = 3;
constexpr std::int64_t kOutputParts = 2;
constexpr std::int64_t kAllParts = 2 * kDoubleParts + kSingleParts + kOutputParts;

constexpr double kReferenceTimeStep = 10;  // reference i sits at time 10 + 10 i (flux.md 2.5)

/// Position ids (t, h, w, l) of a text of `tokens` tokens.
void append_text_ids(std::int64_t tokens, std::vector<double>& ids) {
  for (std::int64_t l = 0; l < tokens; ++l) {
    ids.insert(ids.end(), {0.0, 0.0, 0.0, static_cast<double>(l)});
  }
}

void append_image_ids(double time, std::int64_t rows, std::int64_t cols, std::vector<double>& ids) {
  for (std::int64_t h = 0; h < rows; ++h) {
    for (std::int64_t w = 0; w < cols; ++w) {
      ids.insert(ids.end(), {time, static_cast<double>(h), static_cast<double>(w), 0.0});
    }
  }
}

/// Makes `tensor` at least [rows, cols]; what it held is lost when it grows.
void grow(Tensor& tensor, std::int64_t rows, std::int64_t cols, DType dtype) {
  if (tensor.empty() || tensor.rows() < rows || tensor.cols() != cols || tensor.dtype() != dtype) {
    tensor = Tensor();  // the old one goes before the new one comes
    tensor = Tensor(rows, cols, dtype);
  }
}

}  // namespace

std::int64_t Flux2Workspace::held_bytes() const {
  std::int64_t sum = 0;
  for (const Tensor* tensor : {&hidden, &normed, &qkv, &joined, &gate_up}) {
    sum += tensor->rows() * tensor->cols() * static_cast<std::int64_t>(size_bytes(tensor->dtype()));
  }
  return sum;
}

/// Where the vectors of each block kind lie in one row of `Flux2::modulation`.
struct Flux2::Modulation {
  struct Branch {
    const float* shift;
    const float* scale;
    const float* gate;
  };
  Branch image[2];  // attention, MLP
  Branch text[2];
  Branch single;
  const float* out_shift;
  const float* out_scale;

  Modulation(const float* row, std::int64_t d) {
    const auto branch = [&](std::int64_t part) {
      return Branch{row + part * d, row + (part + 1) * d, row + (part + 2) * d};
    };
    for (int i = 0; i < 2; ++i) {
      image[i] = branch(3 * i);
      text[i] = branch(kDoubleParts + 3 * i);
    }
    single = branch(2 * kDoubleParts);
    // Canonical names follow diffusers: scale first (flux.md 2.8).
    out_scale = row + (2 * kDoubleParts + kSingleParts) * d;
    out_shift = out_scale + d;
  }
};

Result<Flux2::DoubleBlock> Flux2::load_double(WeightLoader& weights, const Flux2Config& config,
                                              std::int64_t index) {
  const std::string at = fmt::format("transformer_blocks.{}.", index);
  const std::int64_t d = config.width();
  struct Names {
    std::string q, k, v, norm_q, norm_k, proj, mlp;
  };
  const auto load_stream = [&](const Names& names) -> Result<Stream> {
    Stream stream;
    stream.norm_q = TRY(weights.vector(at + names.norm_q, config.head_dim));
    stream.norm_k = TRY(weights.vector(at + names.norm_k, config.head_dim));
    stream.qkv = TRY(weights.linear({{at + names.q, d}, {at + names.k, d}, {at + names.v, d}}, d));
    stream.proj = TRY(weights.linear({{at + names.proj, d}}, d));
    stream.mlp_in =
        TRY(weights.linear({{at + names.mlp + ".linear_in.weight", 2 * config.mlp_size}}, d));
    stream.mlp_out =
        TRY(weights.linear({{at + names.mlp + ".linear_out.weight", d}}, config.mlp_size));
    return stream;
  };
  DoubleBlock block;
  block.image = TRY(load_stream({.q = "attn.to_q.weight",
                                 .k = "attn.to_k.weight",
                                 .v = "attn.to_v.weight",
                                 .norm_q = "attn.norm_q.weight",
                                 .norm_k = "attn.norm_k.weight",
                                 .proj = "attn.to_out.0.weight",
                                 .mlp = "ff"}));
  block.text = TRY(load_stream({.q = "attn.add_q_proj.weight",
                                .k = "attn.add_k_proj.weight",
                                .v = "attn.add_v_proj.weight",
                                .norm_q = "attn.norm_added_q.weight",
                                .norm_k = "attn.norm_added_k.weight",
                                .proj = "attn.to_add_out.weight",
                                .mlp = "ff_context"}));
  return block;
}

Result<Flux2::SingleBlock> Flux2::load_single(WeightLoader& weights, const Flux2Config& config,
                                              std::int64_t index) {
  const std::string at = fmt::format("single_transformer_blocks.{}.attn.", index);
  const std::int64_t d = config.width();
  const std::int64_t all = 3 * d + 2 * config.mlp_size;
  SingleBlock block;
  block.norm_q = TRY(weights.vector(at + "norm_q.weight", config.head_dim));
  block.norm_k = TRY(weights.vector(at + "norm_k.weight", config.head_dim));
  // One tensor in the file, two products here: attention needs q, k and v of all rows at once, the
  // MLP works through the rows in chunks.
  const std::string fused = at + "to_qkv_mlp_proj.weight";
  block.qkv = TRY(weights.linear({{fused, all, 0, 3 * d}}, d));
  block.mlp_in = TRY(weights.linear({{fused, all, 3 * d, 2 * config.mlp_size}}, d));
  block.out = TRY(weights.linear({{at + "to_out.weight", d}}, d + config.mlp_size));
  return block;
}

Result<Flux2::TimeMlp> Flux2::load_time_mlp(WeightLoader& weights, const Flux2Config& config,
                                            const std::string& name) {
  const std::string at = "time_guidance_embed." + name;
  TimeMlp mlp;
  mlp.in =
      TRY(weights.linear({{at + ".linear_1.weight", config.width()}}, config.timestep_channels));
  mlp.out = TRY(weights.linear({{at + ".linear_2.weight", config.width()}}, config.width()));
  return mlp;
}

Result<Flux2> Flux2::load(WeightLoader& weights, const Flux2Config& config) {
  const std::int64_t d = config.width();
  Flux2 model;
  model.config_ = config;
  model.format_ = weights.format();
  model.image_in_ = TRY(weights.linear({{"x_embedder.weight", d}}, config.in_channels));
  model.text_in_ = TRY(weights.linear({{"context_embedder.weight", d}}, config.context_size));
  model.image_out_ = TRY(weights.linear({{"proj_out.weight", config.out_channels}}, d));
  model.time_ = TRY(load_time_mlp(weights, config, "timestep_embedder"));
  if (config.guidance_embeds) {
    model.guidance_ = TRY(load_time_mlp(weights, config, "guidance_embedder"));
  }
  model.modulation_ =
      TRY(weights.linear({{"double_stream_modulation_img.linear.weight", kDoubleParts * d},
                          {"double_stream_modulation_txt.linear.weight", kDoubleParts * d},
                          {"single_stream_modulation.linear.weight", kSingleParts * d},
                          {"norm_out.linear.weight", kOutputParts * d}},
                         d));
  for (std::int64_t i = 0; i < config.double_blocks; ++i) {
    model.double_blocks_.push_back(TRY(load_double(weights, config, i)));
  }
  for (std::int64_t i = 0; i < config.single_blocks; ++i) {
    model.single_blocks_.push_back(TRY(load_single(weights, config, i)));
  }
  return model;
}

Flux2Condition Flux2::condition(const Context& context, ConstMatrixView features, std::int64_t rows,
                                std::int64_t cols,
                                std::span<const ReferenceTokens> references) const {
  std::int64_t reference_tokens = 0;
  for (const ReferenceTokens& reference : references) reference_tokens += reference.latents.rows;

  Flux2Condition condition;
  condition.output_tokens = rows * cols;
  condition.text = Tensor(features.rows, width());
  matmul(context, features, text_in_, condition.text);
  condition.references = Tensor(reference_tokens, width());
  std::vector<double> text_ids;
  append_text_ids(features.rows, text_ids);
  std::vector<double> image_ids;
  append_image_ids(0, rows, cols, image_ids);
  double time = kReferenceTimeStep;
  std::int64_t first = 0;
  for (const ReferenceTokens& reference : references) {
    matmul(context, reference.latents, image_in_,
           condition.references.view().row_range(first, reference.latents.rows));
    append_image_ids(time, reference.rows, reference.cols, image_ids);
    first += reference.latents.rows;
    time += kReferenceTimeStep;
  }

  const std::vector<int> axes(config_.rope_axes.begin(), config_.rope_axes.end());
  condition.text_table = make_rope_table(text_ids, axes, config_.rope_theta);
  condition.image_table = make_rope_table(image_ids, axes, config_.rope_theta);
  text_ids.insert(text_ids.end(), image_ids.begin(), image_ids.end());
  condition.joint_table = make_rope_table(text_ids, axes, config_.rope_theta);
  return condition;
}

Tensor Flux2::modulation(const Context& context, std::span<const float> sigmas,
                         std::optional<float> guidance) const {
  const auto count = static_cast<std::int64_t>(sigmas.size());
  Tensor time(count, width());
  // `value` of each row through one embedding MLP; adds to `time` when asked.
  const auto embed = [&](const TimeMlp& mlp, auto value, bool accumulate) {
    Tensor sinusoid(count, config_.timestep_channels);
    for (std::int64_t i = 0; i < count; ++i) {
      timestep_embedding(
          value(i), {sinusoid.row<float>(i), static_cast<std::size_t>(config_.timestep_channels)});
    }
    Tensor inner(count, width());
    matmul(context, sinusoid, mlp.in, inner);
    silu(context, inner, inner);
    matmul(context, inner, mlp.out, time, {.accumulate = accumulate});
  };
  embed(
      time_, [&](std::int64_t i) { return 1000.0f * sigmas[static_cast<std::size_t>(i)]; }, false);
  if (config_.guidance_embeds && guidance.has_value()) {
    embed(
        guidance_, [&](std::int64_t) { return 1000.0f * guidance.value(); }, true);
  }
  silu(context, time, time);
  Tensor modulation(count, kAllParts * width());
  matmul(context, time, modulation_, modulation);
  return modulation;
}

void Flux2::reserve(Flux2Workspace& workspace, std::int64_t tokens) const {
  const DType act = format_.activations;
  grow(workspace.hidden, tokens, width(), DType::f32);
  grow(workspace.normed, tokens, width(), act);
  grow(workspace.qkv, tokens, 3 * width(), act);
  grow(workspace.joined, tokens, width() + inner(), act);
  grow(workspace.gate_up, std::min(tokens, kMlpRows), 2 * inner(), act);
}

/// Modulated norm, then q, k and v of one stream, q and k normalised and turned.
void Flux2::project(const Context& context, const Stream& stream, const float* shift,
                    const float* scale, const RopeTable& table, MatrixView hidden,
                    MatrixView normed, MatrixView qkv) const {
  const auto epsilon = static_cast<float>(config_.epsilon);
  layer_norm_modulate(context, hidden, shift, scale, epsilon, normed);
  matmul(context, normed, stream.qkv, qkv);
  head_norm_rope(context, qkv.col_range(0, width()), config_.head_dim, stream.norm_q.data(),
                 epsilon, table, RopeLayout::interleaved);
  head_norm_rope(context, qkv.col_range(width(), width()), config_.head_dim, stream.norm_k.data(),
                 epsilon, table, RopeLayout::interleaved);
}

/// hidden += gate * (out . [joined's columns that `out_rows` shows]), chunk by chunk, where the MLP
/// columns of `joined` are swiglu(in . normed).
void Flux2::feed_forward(const Context& context, const PackedWeight& in, const PackedWeight& out,
                         const float* gate, MatrixView hidden, ConstMatrixView normed,
                         MatrixView joined, MatrixView out_rows, Flux2Workspace& workspace) const {
  for (std::int64_t first = 0; first < hidden.rows; first += kMlpRows) {
    const std::int64_t count = std::min(kMlpRows, hidden.rows - first);
    const MatrixView gate_up = workspace.gate_up.view().row_range(0, count);
    matmul(context, normed.row_range(first, count), in, gate_up);
    swiglu(context, gate_up, joined.row_range(first, count).col_range(width(), inner()));
    matmul(context, out_rows.row_range(first, count), out, hidden.row_range(first, count),
           {.gate = gate, .accumulate = true});
  }
}

void Flux2::run_double(const Context& context, const DoubleBlock& block, const Modulation& mod,
                       const Flux2Condition& condition, Flux2Workspace& workspace) const {
  const std::int64_t text = condition.text_tokens();
  struct Side {
    const Stream& stream;
    const Modulation::Branch* branches;
    const RopeTable& table;
    std::int64_t first, count;
  };
  const Side sides[] = {
      {block.text, mod.text, condition.text_table, 0, text},
      {block.image, mod.image, condition.image_table, text, condition.image_tokens()},
  };
  const MatrixView qkv = workspace.qkv.view().row_range(0, condition.tokens());
  const MatrixView joined = workspace.joined.view().row_range(0, condition.tokens());
  const auto rows = [](Tensor& tensor, const Side& side) {
    return tensor.view().row_range(side.first, side.count);
  };
  for (const Side& side : sides) {
    project(context, side.stream, side.branches[0].shift, side.branches[0].scale, side.table,
            rows(workspace.hidden, side), rows(workspace.normed, side), rows(workspace.qkv, side));
  }
  const std::int64_t d = width();
  attention(context, qkv.col_range(0, d), qkv.col_range(d, d), qkv.col_range(2 * d, d),
            {.head_dim = config_.head_dim,
             .scale = 1.0f / std::sqrt(static_cast<float>(config_.head_dim))},
            joined.col_range(0, d));
  for (const Side& side : sides) {
    const MatrixView hidden = rows(workspace.hidden, side);
    const MatrixView normed = rows(workspace.normed, side);
    const MatrixView mixed = rows(workspace.joined, side);
    matmul(context, mixed.col_range(0, d), side.stream.proj, hidden,
           {.gate = side.branches[0].gate, .accumulate = true});
    layer_norm_modulate(context, hidden, side.branches[1].shift, side.branches[1].scale,
                        static_cast<float>(config_.epsilon), normed);
    feed_forward(context, side.stream.mlp_in, side.stream.mlp_out, side.branches[1].gate, hidden,
                 normed, mixed, mixed.col_range(d, inner()), workspace);
  }
}

void Flux2::run_single(const Context& context, const SingleBlock& block, const Modulation& mod,
                       const Flux2Condition& condition, bool last,
                       Flux2Workspace& workspace) const {
  const std::int64_t d = width();
  const std::int64_t tokens = condition.tokens();
  const auto epsilon = static_cast<float>(config_.epsilon);
  const MatrixView hidden = workspace.hidden.view().row_range(0, tokens);
  const MatrixView normed = workspace.normed.view().row_range(0, tokens);
  const MatrixView qkv = workspace.qkv.view().row_range(0, tokens);
  const MatrixView joined = workspace.joined.view().row_range(0, tokens);
  layer_norm_modulate(context, hidden, mod.single.shift, mod.single.scale, epsilon, normed);
  matmul(context, normed, block.qkv, qkv);
  head_norm_rope(context, qkv.col_range(0, d), config_.head_dim, block.norm_q.data(), epsilon,
                 condition.joint_table, RopeLayout::interleaved);
  head_norm_rope(context, qkv.col_range(d, d), config_.head_dim, block.norm_k.data(), epsilon,
                 condition.joint_table, RopeLayout::interleaved);
  // After the last block only the output rows are read, so only they are computed (flux.md 2.8).
  const std::int64_t first = last ? condition.text_tokens() : 0;
  const std::int64_t count = last ? condition.output_tokens : tokens;
  attention(context, qkv.row_range(first, count).col_range(0, d), qkv.col_range(d, d),
            qkv.col_range(2 * d, d),
            {.head_dim = config_.head_dim,
             .scale = 1.0f / std::sqrt(static_cast<float>(config_.head_dim))},
            joined.row_range(first, count).col_range(0, d));
  const MatrixView live = joined.row_range(first, count);
  feed_forward(context, block.mlp_in, block.out, mod.single.gate, hidden.row_range(first, count),
               normed.row_range(first, count), live, live, workspace);
}

Result<void> Flux2::velocity(const Context& context, const Flux2Condition& condition,
                             const float* modulation, ConstMatrixView latents,
                             Flux2Workspace& workspace, MatrixView velocity,
                             const std::stop_token& stop) const {
  const std::int64_t text = condition.text_tokens();
  const std::int64_t output = condition.output_tokens;
  CHECK(latents.rows == output && velocity.rows == output, "{} tokens, {} velocities of {}",
        latents.rows, velocity.rows, output);
  const Modulation mod(modulation, width());
  reserve(workspace, condition.tokens());
  const MatrixView hidden = workspace.hidden.view();
  convert(context, condition.text, hidden.row_range(0, text));
  matmul(context, latents, image_in_, hidden.row_range(text, output));
  if (condition.references.rows() > 0) {
    convert(context, condition.references,
            hidden.row_range(text + output, condition.references.rows()));
  }
  for (const DoubleBlock& block : double_blocks_) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
    run_double(context, block, mod, condition, workspace);
  }
  for (std::size_t i = 0; i < single_blocks_.size(); ++i) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
    run_single(context, single_blocks_[i], mod, condition, i + 1 == single_blocks_.size(),
               workspace);
  }
  const MatrixView normed = workspace.normed.view().row_range(text, output);
  layer_norm_modulate(context, hidden.row_range(text, output), mod.out_shift, mod.out_scale,
                      static_cast<float>(config_.epsilon), normed);
  matmul(context, normed, image_out_, velocity);
  return {};
}

double Flux2::flop(std::int64_t text, std::int64_t output, std::int64_t reference) const {
  const auto d = static_cast<double>(width());
  const auto f = static_cast<double>(inner());
  const auto t = static_cast<double>(text);
  const auto n = static_cast<double>(output);
  const auto s = t + n + static_cast<double>(reference);
  const double per_token = 4 * d * d + 3 * d * f;  // multiply-adds of either block kind
  const auto blocks = static_cast<double>(config_.double_blocks + config_.single_blocks);
  double flop = blocks * (2 * s * per_token + 4 * d * s * s);
  flop += 2 * d * n * static_cast<double>(config_.in_channels + config_.out_channels);
  if (config_.single_blocks > 0) {  // the last one, without what nobody reads
    flop -= 2 * (s - n) * (d * d + 3 * d * f) + 4 * d * s * (s - n);
  }
  return flop;
}

}  // namespace imagined::engine
