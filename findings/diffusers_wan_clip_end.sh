#!/usr/bin/env bash
# Wan's video-to-video pipeline of diffusers drops up to three frames at a clip's end, and says nothing.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15.0 on the CPU, with a tiny network. Wan's VAE knows 1, 5, 9, ... frames. The text-to-video
# pipeline that is asked for 24 frames warns and makes 25. Given a clip of 24 frames, video-to-video gives 21 back, of four frames one,
# without a warning: AutoencoderKLWan.encode takes the first frame and then whole fours, and what is left over goes nowhere. The
# documentation of `video` names no length.
#
# Why it matters: a second of a clip, 24 frames, comes back an eighth shorter. Its sound no longer fits, clips that are put together
# again lose a little at each seam, and a clip of two to four frames becomes a still. Repeat the last frame up to 4 n + 1 before, and cut
# it off afterwards.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import logging

from diffusers import (AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel,
                       WanVideoToVideoPipeline)
from PIL import Image

said = []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger("diffusers").addHandler(handler)
logging.captureWarnings(True)
logging.getLogger("py.warnings").addHandler(handler)

parts = {
    "tokenizer": None,
    "text_encoder": None,
    "vae": AutoencoderKLWan(base_dim=8, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
                            temperal_downsample=[False, True, True], latents_mean=[0.0] * 4, latents_std=[1.0] * 4),
    "transformer": WanTransformer3DModel(num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4, text_dim=16,
                                         freq_dim=16, ffn_dim=16, num_layers=1, rope_max_seq_len=32),
    "scheduler": UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)}
call = {"height": 32, "width": 32, "num_inference_steps": 2, "guidance_scale": 1.0, "prompt_embeds": torch.randn(1, 8, 16)}


def frames(kind, **more):
    """How many frames it makes, and what it says."""
    pipeline = kind(**parts)
    pipeline.set_progress_bar_config(disable=True)
    said.clear()
    made = len(pipeline(**call, **more).frames[0])
    return made, list(said)


made, warnings = frames(WanPipeline, num_frames=24)
print(f"text to video: 24 frames ordered, {made} made: {warnings}")
assert made == 25 and any("num_frames" in text for text in warnings)

for given, wanted in ((1, 1), (4, 1), (5, 5), (8, 5), (24, 21), (25, 25)):
    clip = [Image.new("RGB", (32, 32), (9 * number, 0, 0)) for number in range(given)]
    made, warnings = frames(WanVideoToVideoPipeline, video=clip, strength=0.5)
    print(f"video to video: {given} frames given, {made} made: {warnings}")
    assert made == wanted and not warnings
PY
