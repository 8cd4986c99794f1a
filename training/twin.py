"""A second process that computes gradients of the same module on batches of its own, and half of
what the optimiser has to.

Two processes of one thread each, which meet once a step, keep two cores that are shared with other
work far busier than two threads, which meet a thousand times. Parameters and gradients lie in
shared memory; the optimiser's state is in the first process only.
"""

import torch
import torch.multiprocessing as multiprocessing


def _work(module, gradients, task, wire):
    torch.set_num_threads(1)
    parameters = list(module.parameters())
    while True:
        try:
            asked = wire.recv()
        except EOFError:  # the first process has ended
            return
        if asked is not None:
            function, stacks = asked
            wire.send([function(stack) for stack in stacks])
            continue
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

    def each(self, function, stacks):
        """function of each stack of tensors, that treats all in a stack alike; the second half of
        each stack in the other process. function: picklable.
        """
        if self.wire is None:
            return [function(stack) for stack in stacks]
        halves = [(len(stack) + 1) // 2 for stack in stacks]
        rest = {i: s[h:].clone() for i, (s, h) in enumerate(zip(stacks, halves)) if len(s) > h}
        self.wire.send((function, list(rest.values())))
        mine = [function(stack[:half]) for stack, half in zip(stacks, halves)]
        theirs = dict(zip(rest, self.wire.recv()))
        return [
            torch.cat((part, theirs[i])) if i in theirs else part for i, part in enumerate(mine)
        ]

    def close(self):
        if self.wire is not None:
            self.wire.close()
            self.process.join()
