"""diffusers' Flux2Transformer2DModel in plain PyTorch, with exactly its parameter names: exporting
is writing the state dict.

Shapes: N batch, T prompt tokens, P picture tokens, D width (heads x head width), J prompt width.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from training.layers import Names, RmsNorm, attend, linear

CONFIG = dict(
    patch_size=1,
    in_channels=32,
    out_channels=None,
    num_layers=2,
    num_single_layers=8,
    attention_head_dim=64,
    num_attention_heads=3,
    joint_attention_dim=384,
    timestep_guidance_channels=256,
    mlp_ratio=3.0,
    axes_dims_rope=[8, 24, 24, 8],
    rope_theta=100,
    eps=1e-6,
    guidance_embeds=False,
)


def picture_positions(rows, columns, time=0):
    """Positions on FLUX.2's four axes (time, row, column, text): P x 4."""
    h, w = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    zero = torch.zeros_like(h)
    return torch.stack((zero + time, h, w, zero), -1).reshape(-1, 4)


def text_positions(count):
    positions = torch.zeros(count, 4, dtype=torch.long)
    positions[:, 3] = torch.arange(count)
    return positions


def rotation(positions, axes, theta):
    """cos and sin of the rotary angles, tokens x 1 x half the head width (broadcast over heads)."""
    angles = []
    for axis, width in enumerate(axes):
        frequency = 1.0 / theta ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
        angles.append(positions[:, axis].double()[:, None] * frequency)
    angles = torch.cat(angles, -1)[:, None]
    return angles.cos().float(), angles.sin().float()


def rotate_pairs(x, cos, sin):
    """Turns neighbouring numbers (the interleaved layout)."""
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


def swiglu(x):
    gate, value = x.chunk(2, -1)
    return F.silu(gate) * value


class FeedForward(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.linear_in, self.linear_out = linear(width, 2 * inner), linear(inner, width, 0.5)

    def forward(self, x):
        return self.linear_out(swiglu(self.linear_in(x)))


class JointAttention(nn.Module):
    """Attention over prompt and picture, each with projections of its own."""

    def __init__(self, width, heads, eps):
        super().__init__()
        self.heads = heads
        for name in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj"):
            setattr(self, name, linear(width, width))
        self.to_out = nn.ModuleList([linear(width, width, 0.5)])
        self.to_add_out = linear(width, width, 0.5)
        for name in ("norm_q", "norm_k", "norm_added_q", "norm_added_k"):
            setattr(self, name, RmsNorm(width // heads, eps))

    def forward(self, x, c, cos, sin):
        """x: N x P x D, c: N x T x D -> their updates."""
        split = lambda t: t.unflatten(-1, (self.heads, -1))
        q = torch.cat(
            (self.norm_added_q(split(self.add_q_proj(c))), self.norm_q(split(self.to_q(x)))), 1
        )
        k = torch.cat(
            (self.norm_added_k(split(self.add_k_proj(c))), self.norm_k(split(self.to_k(x)))), 1
        )
        v = torch.cat((split(self.add_v_proj(c)), split(self.to_v(x))), 1)
        q, k = rotate_pairs(q, cos, sin), rotate_pairs(k, cos, sin)
        o = (
            attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
            .transpose(1, 2)
            .flatten(2)
        )
        text = c.shape[1]
        return self.to_out[0](o[:, text:]), self.to_add_out(o[:, :text])


class DoubleBlock(nn.Module):
    def __init__(self, width, heads, inner, eps):
        super().__init__()
        self.attn = JointAttention(width, heads, eps)
        self.ff, self.ff_context = FeedForward(width, inner), FeedForward(width, inner)
        self.eps = eps

    def _norm(self, x, shift, scale):
        return F.layer_norm(x, x.shape[-1:], eps=self.eps) * (1 + scale) + shift

    def forward(self, x, c, mx, mc, cos, sin):
        """mx, mc: six modulations (shift, scale, gate of attention, then of the feed-forward)."""
        dx, dc = self.attn(self._norm(x, mx[0], mx[1]), self._norm(c, mc[0], mc[1]), cos, sin)
        x, c = x + mx[2] * dx, c + mc[2] * dc
        x = x + mx[5] * self.ff(self._norm(x, mx[3], mx[4]))
        c = c + mc[5] * self.ff_context(self._norm(c, mc[3], mc[4]))
        return x, c


class ParallelAttention(nn.Module):
    """Attention and feed-forward side by side, behind one input and one output matrix."""

    def __init__(self, width, heads, inner, eps):
        super().__init__()
        self.heads, self.width, self.inner = heads, width, inner
        self.to_qkv_mlp_proj = linear(width, 3 * width + 2 * inner)
        self.to_out = linear(width + inner, width, 0.5)
        self.norm_q, self.norm_k = RmsNorm(width // heads, eps), RmsNorm(width // heads, eps)

    def forward(self, x, cos, sin):
        q, k, v, m = self.to_qkv_mlp_proj(x).split([self.width] * 3 + [2 * self.inner], -1)
        q, k, v = (t.unflatten(-1, (self.heads, -1)) for t in (q, k, v))
        q, k = rotate_pairs(self.norm_q(q), cos, sin), rotate_pairs(self.norm_k(k), cos, sin)
        o = (
            attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
            .transpose(1, 2)
            .flatten(2)
        )
        return self.to_out(torch.cat((o, swiglu(m)), -1))


class SingleBlock(nn.Module):
    def __init__(self, width, heads, inner, eps):
        super().__init__()
        self.attn = ParallelAttention(width, heads, inner, eps)
        self.eps = eps

    def modulated(self, x, m):
        """What the block reads; m: shift, scale, gate."""
        return F.layer_norm(x, x.shape[-1:], eps=self.eps) * (1 + m[1]) + m[0]

    def forward(self, x, m, cos, sin):
        return x + m[2] * self.attn(self.modulated(x, m), cos, sin)


class Transformer(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        heads = config["num_attention_heads"]
        width = heads * config["attention_head_dim"]
        inner, eps = int(width * config["mlp_ratio"]), config["eps"]
        self.config, self.width, self.inner = config, width, inner
        self.time_guidance_embed = Names(
            timestep_embedder=Names(
                linear_1=linear(config["timestep_guidance_channels"], width),
                linear_2=linear(width, width),
            )
        )
        self.double_stream_modulation_img = Names(linear=linear(width, 6 * width, 0.0))
        self.double_stream_modulation_txt = Names(linear=linear(width, 6 * width, 0.0))
        self.single_stream_modulation = Names(linear=linear(width, 3 * width, 0.0))
        self.x_embedder = linear(config["in_channels"], width)
        self.context_embedder = linear(config["joint_attention_dim"], width)
        self.transformer_blocks = nn.ModuleList(
            [DoubleBlock(width, heads, inner, eps) for _ in range(config["num_layers"])]
        )
        self.single_transformer_blocks = nn.ModuleList(
            [SingleBlock(width, heads, inner, eps) for _ in range(config["num_single_layers"])]
        )
        self.norm_out = Names(linear=linear(width, 2 * width, 0.0))
        self.proj_out = linear(width, config["out_channels"] or config["in_channels"], 0.0)
        self._open_gates()

    @torch.no_grad()
    def _open_gates(self):
        """FLUX.2's modulation has no bias, so a gate of one at the start needs a constant in the
        time embedding.

        The slowest cosines of the timestep's sinusoid are 1 for every timestep (0.995 at least).
        Unit 0 of the embedding carries them through both linear layers; the gate rows of the
        modulations read it.
        """
        embedder = self.time_guidance_embed.timestep_embedder
        half = self.config["timestep_guidance_channels"] // 2
        slowest = slice(half - 8, half)  # cosines come first
        embedder.linear_1.weight[0].zero_()
        embedder.linear_1.weight[0, slowest] = 2.0 / 8
        embedder.linear_2.weight[0].zero_()
        embedder.linear_2.weight[0, 0] = 1.0
        constant = F.silu(F.silu(torch.tensor(2.0))).item()
        gates = (
            (self.double_stream_modulation_img, (2, 5)),
            (self.double_stream_modulation_txt, (2, 5)),
            (self.single_stream_modulation, (2,)),
        )
        for modulation, rows in gates:
            for row in rows:
                modulation.linear.weight[row * self.width : (row + 1) * self.width, 0] = (
                    1.0 / constant
                )

    def rotation(self, text_count, grid, times=(0,)):
        """Rotary tables for a prompt of text_count tokens and (rows, columns) pictures at the given
        times.
        """
        pictures = [picture_positions(*grid, time) for time in times]
        positions = torch.cat((text_positions(text_count), *pictures))
        return rotation(positions, self.config["axes_dims_rope"], self.config["rope_theta"])

    def _time(self, t):
        half = self.config["timestep_guidance_channels"] // 2
        frequency = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
        angle = (t * 1000)[:, None] * frequency
        embedder = self.time_guidance_embed.timestep_embedder
        return F.silu(
            embedder.linear_2(F.silu(embedder.linear_1(torch.cat((angle.cos(), angle.sin()), -1))))
        )[:, None]

    def forward(self, x, t, prompt, cos, sin, given=None):
        """x: noisy tokens N x P x 32, t: noise level N in 0..1 (1 = noise), prompt: N x T x J,
        given: clean tokens of references N x R x 32 -> velocity (noise - picture) of x.
        """
        made = x.shape[1]
        if given is not None:
            x = torch.cat((x, given), 1)
        v = self._time(t)
        mx = self.double_stream_modulation_img.linear(v).chunk(6, -1)
        mc = self.double_stream_modulation_txt.linear(v).chunk(6, -1)
        ms = self.single_stream_modulation.linear(v).chunk(3, -1)
        x, c = self.x_embedder(x).float(), self.context_embedder(prompt).float()
        for block in self.transformer_blocks:
            x, c = block(x, c, mx, mc, cos, sin)
        text, y = c.shape[1], torch.cat((c, x), 1)
        for block in self.single_transformer_blocks:
            y = block(y, ms, cos, sin)
        scale, shift = self.norm_out.linear(v).chunk(2, -1)
        y = (
            F.layer_norm(y[:, text : text + made], (self.width,), eps=self.config["eps"])
            * (1 + scale)
            + shift
        )
        return self.proj_out(y)
