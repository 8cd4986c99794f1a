"""Muon (orthogonalised momentum) for matrices and convolution filters, AdamW for everything else,
and averaged weights.
"""

import torch

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
MUON_RATE, ADAM_RATE = 0.02, 2e-3


# Without such instructions bfloat16 is emulated, many times slower.
_DTYPE = torch.bfloat16 if "AVX512" in torch.backends.cpu.get_cpu_capability() else torch.float32


def orthogonalise(g, steps=5):
    """Quintic Newton-Schulz iteration on a stack of matrices: pushes every singular value towards
    one, roughly; so bfloat16 is enough. (Not for products of the polynomials in x x', which would
    be cheaper on wide matrices: there it let values through that were forty times too large.)
    """
    a, b, c = _NEWTON_SCHULZ
    x = g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = g.shape[-2] > g.shape[-1]
    if tall:
        x = x.mT
    x = x.to(_DTYPE).contiguous()
    for _ in range(steps):
        s = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(s, s, s, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).float()


class Muon:
    """Parameters come as (tensor, rows of its fused parts or None): fused projections are
    orthogonalised part by part.

    Parts of one shape are stacked and iterated together, which keeps the many small products fast.
    """

    def __init__(self, params, rate=MUON_RATE, momentum=0.95):
        self.rate, self.momentum = rate, momentum
        self.params = list(params)
        self.momenta = [torch.zeros_like(p) for p, _ in self.params]

    @torch.no_grad()
    def step(self, scale, each):
        """each: `Twin.each`, the function of each stack."""
        stacks = {}  # shape -> [(parameter, first row, update)]
        for (p, parts), m in zip(self.params, self.momenta):
            if p.grad is None:
                continue
            m.mul_(self.momentum).add_(p.grad, alpha=1 - self.momentum)
            update = torch.lerp(p.grad, m, self.momentum).flatten(1)
            row = 0
            for size in parts or [p.shape[0]]:
                part = update[row : row + size]
                stacks.setdefault(part.shape, []).append((p, row, part))
                row += size
        updates = [torch.stack([part for _, _, part in items]) for items in stacks.values()]
        for (shape, items), steps in zip(stacks.items(), each(orthogonalise, updates)):
            gain = self.rate * scale * max(1.0, shape[0] / shape[1]) ** 0.5
            for (p, row, _), step in zip(items, steps):
                target = p[row : row + shape[0]]
                target.sub_(step.view(target.shape), alpha=gain)


class Average:
    """Exponential moving average of a module's state, warmed up."""

    def __init__(self, module, decay=0.999):
        self.decay, self.count, self.module = decay, 0, module
        self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, every=1):
        """Call after each step; the work is done each `every` steps."""
        self.count += 1
        if self.count % every:
            return
        decay = min(self.decay, (1 + self.count) / (10 + self.count)) ** every
        for name, value in self.module.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


class Optimiser:
    """Muon for the given matrices, AdamW for the rest of the parameters, an average of all: one
    step, one state.
    """

    def __init__(self, module, matrices, adam_betas, average_decay):
        self.module, self.average = module, Average(module, average_decay)
        self.muon = Muon(matrices)
        chosen = {id(p) for p, _ in self.muon.params}
        self.trained = [p for p in module.parameters() if p.requires_grad]
        self.rest = [p for p in self.trained if id(p) not in chosen]
        self.adam = torch.optim.AdamW(self.rest, lr=ADAM_RATE, betas=adam_betas, weight_decay=0.0)

    def step(self, scale, average_every, each):
        """One update from the gradients; `scale` multiplies both learning rates; each: Muon's."""
        torch.nn.utils.clip_grad_norm_(self.rest, 1.0)
        for group in self.adam.param_groups:
            group["lr"] = ADAM_RATE * scale
        self.adam.step()
        self.muon.step(scale, each)
        for p in self.trained:
            p.grad = None
        self.average.update(average_every)

    def state(self):
        return {
            "raw": self.module.state_dict(),
            "ema": self.average.state,
            "steps": self.average.count,
            "muon": self.muon.momenta,
            "adam": self.adam.state_dict(),
        }

    def load(self, state):
        self.module.load_state_dict(state["raw"])
        self.average.state, self.average.count = state["ema"], state["steps"]
        for momentum, saved in zip(self.muon.momenta, state["muon"]):
            momentum.copy_(saved)
        self.adam.load_state_dict(state["adam"])
