"""A second process that computes gradients of the same module on batches of its own.

Two processes of one thread each, which meet once a step, keep two cores that are shared with other
work far busier than two threads, which meet a thousand times. Parameters and gradients lie in
shared memory; the optimiser runs in the first process only.
"""

import torch
import torch.multiprocessing as multiprocessing


def _work(module, gradients, task, wire):
    torch.set_num_threads(1)
    parameters = list(module.parameters())
    while True:
        try:
            wire.recv()
        except EOFError:  # the first process has ended
            return
        found = task(module)
        for p, shared in zip(parameters, gradients):
            if p.grad is not None:
                shared.copy_(p.grad)
                p.grad = None
        wire.send(found)


class Twin:
    """task(module): picklable; computes the gradients of one batch (backward included) and returns
    a tuple of figures. The other process is given a task of its own, with another seed.
    """

    def __init__(self, module, task, other_task=None):
        self.module, self.task, self.wire = module, task, None
        if other_task is None:
            return
        module.share_memory()
        self.gradients = [torch.zeros_like(p).share_memory_() for p in module.parameters()]
        context = multiprocessing.get_context("spawn")
        self.wire, theirs = context.Pipe()
        self.process = context.Process(
            target=_work, args=(module, self.gradients, other_task, theirs)
        )
        self.process.start()
        theirs.close()

    def step(self):
        """Leaves the mean gradient of both batches in the module; figures of each batch."""
        if self.wire is None:
            return [self.task(self.module)]
        self.wire.send(None)
        mine = self.task(self.module)
        other = self.wire.recv()
        with torch.no_grad():
            for p, shared in zip(self.module.parameters(), self.gradients):
                if p.grad is not None:
                    p.grad.add_(shared).mul_(0.5)
        return [mine, other]

    def close(self):
        if self.wire is not None:
            self.wire.close()
            self.process.join()
