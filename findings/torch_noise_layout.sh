#!/usr/bin/env bash
# The same seed gives other noise when only the memory layout of the tensor differs.
#
# Seen with PyTorch 2.15 on the CPU. `normal_` fills a contiguous float32 tensor of 16 or more
# elements sixteen at a time, eight numbers for cosines and eight for sines, and redraws the last
# sixteen when the count is no multiple of sixteen. Anything else, a channels_last tensor, a strided
# view, fewer than sixteen elements, is filled one by one from doubles. Therefore, with one seed:
#
# - latents [1, 8, 4, 4] in channels_last hold other numbers than contiguous ones, not the same
#   numbers in another order;
# - the first 8 numbers of 16 are not the 8 numbers drawn alone;
# - 24 numbers share only their first 8 with 32 numbers.
#
# Why it matters: who makes a diffusion model's noise with torch gets a picture that depends on the
# layout of the latents, so that "the same seed" across programs needs the layout and the size too.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages torch==2.15.0 numpy==2.4.6 <<'PY'
import torch


def noise(*shape, layout=torch.contiguous_format):
    seeded = torch.Generator().manual_seed(7)
    return torch.empty(shape).to(memory_format=layout).normal_(generator=seeded)


planar = noise(1, 8, 4, 4)
interleaved = noise(1, 8, 4, 4, layout=torch.channels_last)
print("planar      ", planar.flatten()[:3].tolist())
print("channels_last", interleaved.flatten()[:3].tolist())
assert planar.shape == interleaved.shape
assert not torch.equal(planar, interleaved)
common = set(planar.flatten().tolist()) & set(interleaved.flatten().tolist())
print("numbers in common:", len(common), "of", planar.numel())
assert len(common) == 0

assert not torch.equal(noise(16)[:8], noise(8))
assert torch.equal(noise(24)[:8], noise(32)[:8])
assert not torch.equal(noise(24)[8:], noise(32)[8:24])
PY
