// Weights that a tool has quantised lie in several tensors: the numbers, their factors, notes. Here
// they become one tensor again, under the name that it had before.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/formats/file_tensor.h"

namespace imagined::engine {

/// The tensors of a model's files, those of one weight joined. Known are the forms of ComfyUI
/// (scaled fp8 old and new, int8, mxfp8, nvfp4), bitsandbytes (nf4, int8), torchao, optimum-quanto
/// and sdnq (int8, fp8). What is in no known form is passed on as it is. notes   the
/// `_quantization_metadata` of the files' headers, where ComfyUI may say what it wrote. Errors:
/// `invalid_argument` or `unimplemented`, naming the tensor, where a form is known but its parts do
/// not fit, or say that the numbers mean something else.
Result<std::vector<FileTensor>> join_quantised(std::span<const FileTensor* const> tensors,
                                               std::span<const std::string> notes = {});

}  // namespace imagined::engine
