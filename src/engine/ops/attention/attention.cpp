#include "engine/ops/attention/attention.h"

#include "engine/backend/choose.h"
#include "engine/ops/attention/attention_implementation.h"

namespace imagined::engine {
namespace {

bool readable(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

}  // namespace

void attention(const Context& context, ConstMatrixView q, ConstMatrixView k, ConstMatrixView v,
               const AttentionOptions& options, MatrixView out) {
  const std::int64_t d = options.head_dim;
  CHECK(d > 0 && q.cols > 0 && k.cols > 0 && q.cols % d == 0 && k.cols % d == 0 &&
            q.cols % k.cols == 0,
        "attention: {} and {} columns in heads of {}", q.cols, k.cols, d);
  CHECK(v.cols == k.cols && v.rows == k.rows && out.rows == q.rows && out.cols == q.cols,
        "attention: k [{}, {}], v [{}, {}], q [{}, {}], out [{}, {}]", k.rows, k.cols, v.rows,
        v.cols, q.rows, q.cols, out.rows, out.cols);
  CHECK(readable(q.dtype) && k.dtype == q.dtype && v.dtype == q.dtype && readable(out.dtype),
        "attention: q {}, k {}, v {}, out {}", name(q.dtype), name(k.dtype), name(v.dtype),
        name(out.dtype));
  CHECK(options.scale > 0, "attention: scale {}", options.scale);
  CHECK(options.key_count > 0 && (k.rows > 0 || q.rows == 0), "attention: {} keys of {}",
        options.key_count, k.rows);
  const ConstMatrixView& bias = options.relative_bias;
  CHECK(bias.data == nullptr || (bias.dtype == DType::f32 && bias.rows == q.cols / d &&
                                 bias.cols == q.rows + k.rows - 1),
        "attention: relative bias [{}, {}] of {} for {} heads, {} queries and {} keys", bias.rows,
        bias.cols, name(bias.dtype), q.cols / d, q.rows, k.rows);
  CHECK(!context.pool().inside_task(), "attention: called from inside a task");
  if (q.rows == 0) return;
  choose(context, "attention", attention_implementations(), q.dtype)
      .run(context, q, k, v, options, out);
}

}  // namespace imagined::engine
