"""Writes the diffusers folder and checks that the stock classes compute what the training classes
compute.

python -m training.export --checkpoint FILE --vae FILE --kinds 60 --out FOLDER
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, Flux2Transformer2DModel
from safetensors.torch import load_file, save_file
from transformers import Qwen3Config, Qwen3ForCausalLM

from training import autoencoder, clips, paperland, text_encoder, transformer, vocabulary
from training.finish import EDGE_PASSES
from training.frames import TOKEN
from training.paths import WEIGHTS
from training.prompts import LONGEST_PROMPT, TOKENIZER, PromptEncoder
from training.sample import SHIFT, Settings
from training.scene import STAGES, kinds_of_stage
from training.text_encoder import TAPS

_MODEL_INDEX = {
    "_class_name": "Flux2KleinPipeline",
    "_diffusers_version": "0.37.0",
    "is_distilled": False,
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "text_encoder": ["transformers", "Qwen3ForCausalLM"],
    "tokenizer": ["transformers", "Qwen2TokenizerFast"],
    "transformer": ["diffusers", "Flux2Transformer2DModel"],
    "vae": ["diffusers", "AutoencoderKLFlux2"],
    # What the pipeline is called with and has no file of its own for.
    "text_encoder_out_layers": list(TAPS),
    "text_padding": "none",
    "max_sequence_length": LONGEST_PROMPT,
    "max_references": 3,  # that it has learnt edits with
}
_ERROR_MAX = 1e-4  # relative, float32


def stock_text_encoder(state, encode):
    """Qwen3ForCausalLM with our layers; the layer above the last tap exists for its shape only and
    adds nothing.
    """
    config = dict(text_encoder.CONFIG)
    theta = config.pop("rope_theta")
    special = encode.tokenizer.token_to_id
    net = Qwen3ForCausalLM(
        Qwen3Config(
            **config,
            rope_parameters={"rope_type": "default", "rope_theta": theta},
            bos_token_id=None,
            eos_token_id=special("<|im_end|>"),
            pad_token_id=special("<|endoftext|>"),
        )
    )
    idle = f".layers.{max(TAPS)}."
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "norm" in name:
                p.fill_(1.0)
            if idle in name and ("o_proj" in name or "down_proj" in name):
                p.zero_()
    missing, unexpected = net.load_state_dict(state, strict=False)
    ours = [
        name
        for name in missing
        if idle not in name and name not in ("model.norm.weight", "lm_head.weight")
    ]
    if unexpected or ours:
        raise ValueError(f"text encoder: missing {ours}, unexpected {unexpected}")
    return net


def stock_transformer(state):
    net = Flux2Transformer2DModel(**transformer.CONFIG)
    net.load_state_dict(state)
    return net


def _relative(found, wanted):
    return ((found - wanted).norm() / wanted.norm()).item()


@torch.no_grad()
def errors(net, text, flow, encode, grid=(8, 8)):
    """Relative differences of the stock text encoder and transformer from ours, in float32."""
    ids = torch.tensor([encode("a red house on the beach at sunset")])
    x, t = torch.randn(1, grid[0] * grid[1], transformer.CONFIG["in_channels"]), torch.tensor([0.7])
    hidden = text(input_ids=ids, output_hidden_states=True).hidden_states
    stock_states = torch.cat([hidden[tap] for tap in TAPS], -1)
    our_states = net.text_encoder(ids, torch.ones_like(ids, dtype=torch.bool))
    stock_velocity = flow(
        hidden_states=x,
        encoder_hidden_states=stock_states,
        timestep=t,
        img_ids=transformer.picture_positions(*grid),
        txt_ids=transformer.text_positions(ids.shape[1]),
        return_dict=False,
    )[0]
    our_velocity = net.transformer(x, t, our_states, *net.transformer.rotation(ids.shape[1], grid))
    return _relative(stock_states, our_states), _relative(stock_velocity, our_velocity)


@torch.no_grad()
def _silence_variance(vae):
    """The variance half of the encoder's output is not trained: constant and tiny, so that sampling
    is the mean.
    """
    half = vae.config.latent_channels
    vae.quant_conv.weight[half:].zero_()
    vae.quant_conv.bias[half:].fill_(-20.0)


def _edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes, indent=2) + "\n")


def _cast(folder):
    """Rewrites a component in bfloat16; the batch norm's statistics stay float32."""
    for path in folder.glob("*.safetensors"):
        tensors = {
            name: value.bfloat16()
            if value.dtype == torch.float32 and "running" not in name
            else value
            for name, value in load_file(path).items()
        }
        save_file(tensors, path, metadata={"format": "pt"})


def _write_sampling(path, kinds, side):
    """How the model is run and what it is; one line for each key."""
    settings = Settings()
    values = {
        "pixels_per_token": TOKEN,
        "steps": settings.steps,
        "guidance_scale": settings.guidance,
        "shift": SHIFT,
        "native_pixels": side * side,
        "sharpen_edges": EDGE_PASSES,
        "clip_frames": clips.FRAMES,
        "clip_frames_per_second": clips.FRAMES_PER_SECOND,
        "clip_stride": clips.STRIDE,
        "card": vocabulary.card(kinds),
        "draws": vocabulary.draws(kinds),
        "vocabulary": vocabulary.known_words(kinds),
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write(folder, net, vae, encode, kinds, side, tokenizer=TOKENIZER, half=True):
    """Writes the folder and returns the errors of the stock classes. side: of the largest squares
    that the model was trained on, in pixels.
    """
    text = stock_text_encoder(net.text_encoder.state_dict(), encode)
    flow = stock_transformer(net.transformer.state_dict())
    found = errors(net, text, flow, encode)
    if max(found) > _ERROR_MAX:
        raise ValueError(f"the stock classes compute something else: {found}")
    _silence_variance(vae)
    for part, module in (("transformer", flow), ("text_encoder", text), ("vae", vae)):
        shutil.rmtree(folder / part, ignore_errors=True)
        module.save_pretrained(folder / part)
        if half:
            _cast(folder / part)
    FlowMatchEulerDiscreteScheduler(
        num_train_timesteps=1000, shift=SHIFT, use_dynamic_shifting=False
    ).save_pretrained(folder / "scheduler")
    if Path(tokenizer).resolve() != (folder / "tokenizer").resolve():
        shutil.copytree(tokenizer, folder / "tokenizer", dirs_exist_ok=True)
    (folder / "text_encoder" / "generation_config.json").unlink()
    dtype = "bfloat16" if half else "float32"
    _edit_json(
        folder / "text_encoder" / "config.json",
        rope_theta=text_encoder.CONFIG["rope_theta"],
        dtype=dtype,
        torch_dtype=dtype,
    )  # where older readers look for them
    _edit_json(folder / "vae" / "config.json", border_shuffle=autoencoder.BORDER_SHUFFLE)
    (folder / "model_index.json").write_text(json.dumps(_MODEL_INDEX, indent=2) + "\n")
    _write_sampling(folder / "sampling.json", kinds, side)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--weights", choices=["ema", "raw"], default="ema")
    parser.add_argument("--vae", required=True)
    parser.add_argument("--tokenizer", type=Path, default=TOKENIZER)
    parser.add_argument("--kinds", type=int, default=STAGES[-1], help="that it was trained on")
    parser.add_argument("--side", type=int, choices=[512, 1024], default=1024)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="bf16")
    args = parser.parse_args()
    encode = PromptEncoder(args.tokenizer)
    text_error, flow_error = write(
        args.out,
        paperland.load(args.checkpoint, args.weights),
        autoencoder.load(args.vae),
        encode,
        kinds_of_stage(args.kinds),
        args.side,
        args.tokenizer,
        args.dtype == "bf16",
    )
    print(
        f"relative difference of the stock classes: text encoder {text_error:.1e}, "
        f"transformer {flow_error:.1e}"
    )
    size_bytes = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    print(f"{args.out}: {size_bytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
