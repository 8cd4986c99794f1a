"""The first layers of transformers' Qwen3ForCausalLM in plain PyTorch, with exactly its parameter
names.

The hidden states behind the layers TAPS, side by side, are the prompt as the transformer reads it.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from training.layers import Names, RmsNorm, attend, linear

CONFIG = dict(
    vocab_size=3584,
    hidden_size=128,
    intermediate_size=256,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=32,
    rms_norm_eps=1e-6,
    rope_theta=10000.0,
    max_position_embeddings=512,
    tie_word_embeddings=True,
    attention_bias=False,
    hidden_act="silu",
)
TAPS = (1, 2, 3)  # the last layer is never needed: what follows it in Qwen3 is the final norm


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        d, width = config["hidden_size"], config["head_dim"]
        self.heads, self.shared = config["num_attention_heads"], config["num_key_value_heads"]
        self.q_proj = linear(d, self.heads * width)
        self.k_proj, self.v_proj = linear(d, self.shared * width), linear(d, self.shared * width)
        self.o_proj = linear(self.heads * width, d, 0.5)
        self.q_norm, self.k_norm = (
            RmsNorm(width, config["rms_norm_eps"]),
            RmsNorm(width, config["rms_norm_eps"]),
        )

    def forward(self, x, cos, sin, mask):
        split = lambda t, n: t.unflatten(-1, (n, -1))
        q = self.q_norm(split(self.q_proj(x), self.heads)).transpose(1, 2)
        k = self.k_norm(split(self.k_proj(x), self.shared)).transpose(1, 2)
        v = split(self.v_proj(x), self.shared).transpose(1, 2)

        def rotate_halves(t):
            a, b = t.chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

        q, k = rotate_halves(q), rotate_halves(k)
        k, v = (t.repeat_interleave(self.heads // self.shared, 1) for t in (k, v))
        return self.o_proj(attend(q, k, v, mask).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, config):
        super().__init__()
        d, inner = config["hidden_size"], config["intermediate_size"]
        self.gate_proj, self.up_proj, self.down_proj = (
            linear(d, inner),
            linear(d, inner),
            linear(inner, d, 0.5),
        )

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.self_attn, self.mlp = Attention(config), Mlp(config)
        self.input_layernorm = RmsNorm(config["hidden_size"], config["rms_norm_eps"])
        self.post_attention_layernorm = RmsNorm(config["hidden_size"], config["rms_norm_eps"])

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class TextEncoder(nn.Module):
    def __init__(self, config=CONFIG, taps=TAPS):
        super().__init__()
        self.config, self.taps = config, taps
        embedding = nn.Embedding(config["vocab_size"], config["hidden_size"])
        nn.init.normal_(embedding.weight, std=0.5)
        self.model = Names(
            embed_tokens=embedding, layers=nn.ModuleList([Layer(config) for _ in range(max(taps))])
        )

    def forward(self, ids, real):
        """ids, real: N x T, real is false where a token is padding -> N x T x 3 hidden sizes."""
        count, half = ids.shape[1], self.config["head_dim"] // 2
        frequency = 1.0 / self.config["rope_theta"] ** (
            torch.arange(half, dtype=torch.float32) / half
        )
        angle = torch.arange(count, dtype=torch.float32)[:, None] * frequency
        cos, sin = angle.cos(), angle.sin()
        causal = torch.ones(count, count, dtype=torch.bool).tril()
        mask = torch.where(causal[None, None] & real[:, None, None], 0.0, -1e9)
        x, states = self.model.embed_tokens(ids), []
        for i, layer in enumerate(self.model.layers):
            x = layer(x, cos, sin, mask)
            if i + 1 in self.taps:
                states.append(x)
        return torch.cat(states, -1)
