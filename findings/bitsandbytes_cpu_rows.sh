#!/usr/bin/env bash
# On a CPU bitsandbytes gives back other numbers than it was given when a row is no multiple of its block size.
#
# Seen with bitsandbytes 0.50.2 and PyTorch 2.15 on the CPU, nf4 and fp4. `quantize_4bit` cuts a matrix into blocks of
# 64 in the order of its elements, over the ends of rows, and keeps a factor for each. `dequantize_4bit` on the
# CPU takes factor number row * (columns / 64, rounded down) + column / 64. Rows of 64, 128 or 1,152 come back
# right; of rows of 96 all but the first are multiplied by other blocks' factors, without a word.
#
# Why it matters: a layer of such a shape gives other numbers than were stored. Read in the order of the elements the
# same bytes are right, which is how our reader of bitsandbytes' files takes them.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages torch==2.15.0 numpy==2.4.6 bitsandbytes==0.50.2 <<'PY'
import torch
from bitsandbytes import functional

BLOCK = 64


def errors(rows, columns, kind):
    """Largest error of the library's way back, and of reading its bytes in the order of the elements."""
    weights = torch.randn(rows, columns) * torch.logspace(-2, 0, rows)[:, None]
    packed, state = functional.quantize_4bit(weights, blocksize=BLOCK, quant_type=kind)
    back = functional.dequantize_4bit(packed, state)
    pairs = packed.flatten()
    codes = torch.stack((pairs >> 4, pairs & 15), -1).flatten().long()
    by_hand = state.code[codes] * state.absmax.repeat_interleave(BLOCK)[:codes.numel()]
    far = lambda found: (found - weights).abs().max().item()
    return far(back), far(by_hand.view(rows, columns))


torch.manual_seed(0)
for kind in ("nf4", "fp4"):
    for rows, columns in ((12, 64), (12, 128), (4, 1152)):
        library, by_hand = errors(rows, columns, kind)
        assert library == by_hand, (kind, rows, columns)
    for rows, columns in ((12, 96), (64, 96)):
        library, by_hand = errors(rows, columns, kind)
        print(f"{kind} {rows} x {columns}: largest error {library:.2f}, by hand {by_hand:.2f}")
        assert library > 3 * by_hand
    library, by_hand = errors(1, 96, kind)  # one row has no second
    assert library == by_hand
PY
