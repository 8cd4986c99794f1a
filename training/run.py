"""A training run with a time budget that survives being stopped: state on disk, clock, learning
rate.
"""

import os
import signal
import time

import torch

_PAUSE_S_MAX = 20.0  # longer steps (compilation, a sleeping machine) count as this much


class Run:
    """Counts the seconds spent over all starts of one run and saves its state."""

    def __init__(self, path, minutes, decay, warm_up=50):
        """decay: share of the time, at the end, over which the learning rate falls to nothing."""
        self.path, self.limit_s, self.decay, self.warm_up = path, minutes * 60, decay, warm_up
        self.spent_s, self.steps, self.samples = 0.0, 0, 0  # steps: since this start
        self.stopped = False
        self._last = time.monotonic()

    @property
    def over(self):
        return self.stopped or self.spent_s >= self.limit_s

    def stop_at(self, *signals):
        """Ends the run, with its state saved, at the step in which one of these signals comes."""
        for number in signals:
            signal.signal(number, lambda *_: setattr(self, "stopped", True))

    def rate(self):
        """Learning rate from 0 to 1: warmed up at each start, constant, then falling."""
        warm = min(1.0, (self.steps + 1) / self.warm_up)
        if not self.decay:
            return warm
        return warm * min(
            1.0, max(0.01, (self.limit_s - self.spent_s) / (self.limit_s * self.decay))
        )

    def tick(self, samples):
        """Call after each step."""
        now = time.monotonic()
        self.spent_s += min(now - self._last, _PAUSE_S_MAX)
        self._last = now
        self.steps += 1
        self.samples += samples

    def load(self):
        """The saved state, or None at the first start."""
        if not os.path.exists(self.path):
            return None
        state = torch.load(self.path)
        self.spent_s, self.samples = state["spent_s"], state["samples"]
        return state

    def save(self, state):
        part = f"{self.path}.part"
        torch.save({**state, "spent_s": self.spent_s, "samples": self.samples}, part)
        os.replace(part, self.path)


class RunningMean:
    def __init__(self, keep=0.99):
        self.keep, self.value = keep, None

    def add(self, value):
        self.value = (
            value if self.value is None else self.value * self.keep + value * (1 - self.keep)
        )
