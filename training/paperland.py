"""Text encoder and transformer, trained together."""

import json
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import load_file

from training import text_encoder, transformer


class Paperland(nn.Module):
    def __init__(self, text=text_encoder.CONFIG, flow=transformer.CONFIG, taps=text_encoder.TAPS):
        super().__init__()
        self.text_encoder = text_encoder.TextEncoder(text, taps)
        self.transformer = transformer.Transformer(flow)

    def forward(self, x, t, ids, real, cos, sin, given=None):
        """Noisy tokens N x P x 32, noise levels N, prompt ids N x T and where they are real, clean
        tokens of references or None -> velocities N x P x 32.
        """
        return self.transformer(x, t, self.text_encoder(ids, real), cos, sin, given)

    def matrices(self):
        """What Muon trains: the blocks' matrices as (name, parameter, rows of each fused part or
        None).
        """
        d, inner = self.transformer.width, self.transformer.inner
        found = []
        for name, p in self.named_parameters():
            if p.ndim != 2 or not ("transformer_blocks." in name or ".layers." in name):
                continue
            parts = (
                [d, d, d, inner, inner]
                if "to_qkv_mlp_proj" in name
                else [inner, inner]
                if "linear_in" in name
                else None
            )
            found.append((name, p, parts))
        return found

    def compile_blocks(self):
        """Compiles block by block: equal blocks share their kernels, and no shape is fixed but the
        batch.
        """
        for block in (
            *self.transformer.transformer_blocks,
            *self.transformer.single_transformer_blocks,
            *self.text_encoder.model.layers,
        ):
            block.compile(dynamic=True)

    @torch.no_grad()
    def load_shallower(self, state):
        """Loads a state that may have fewer single blocks; the blocks that it lacks start as the
        identity.
        """
        missing, unexpected = self.load_state_dict(state, strict=False)
        if unexpected or any(".single_transformer_blocks." not in name for name in missing):
            raise ValueError(
                f"not a Paperland checkpoint: missing {missing}, unexpected {unexpected}"
            )
        for name, p in self.named_parameters():
            if name in missing and name.endswith("to_out.weight"):
                p.zero_()


def load(path, weights="ema"):
    net = Paperland()
    net.load_shallower(torch.load(path)[weights])
    return net.eval()


def load_exported(folder):
    """The networks of a diffusers folder, in float32."""
    folder = Path(folder)
    read = lambda *path: {
        name: value.float() for name, value in load_file(folder.joinpath(*path)).items()
    }
    config = lambda *path: json.loads(folder.joinpath(*path).read_text())
    net = Paperland(
        config("text_encoder", "config.json"),
        config("transformer", "config.json"),
        tuple(config("model_index.json")["text_encoder_out_layers"]),
    )
    net.transformer.load_state_dict(read("transformer", "diffusion_pytorch_model.safetensors"))
    text = read("text_encoder", "model.safetensors")
    net.text_encoder.load_state_dict({name: text[name] for name in net.text_encoder.state_dict()})
    return net.eval()
