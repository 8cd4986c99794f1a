"""Two processes that compute gradients of one module."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (training/requirements.txt)")

from training.twin import Twin


def twice_the_sum(module):
    loss = (module.weight * 2).sum()
    loss.backward()
    return 1, loss.item()


def ten_times_the_sum(module):
    loss = (module.weight * 10).sum()
    loss.backward()
    return 3, loss.item()


def test_a_twin_adds_the_mean_of_both_gradients_and_sees_changed_weights():
    module = torch.nn.Linear(2, 2, bias=False)
    torch.nn.init.ones_(module.weight)
    both = Twin(module, twice_the_sum, ten_times_the_sum)
    try:
        assert both.step() == [(1, 8.0), (3, 40.0)]
        assert torch.equal(module.weight.grad, torch.full((2, 2), 6.0))
        module.weight.grad = None
        with torch.no_grad():
            module.weight.mul_(2)
        assert both.step() == [(1, 16.0), (3, 80.0)]
    finally:
        both.close()
    assert not both.process.is_alive()


def test_alone_it_is_its_task():
    module = torch.nn.Linear(2, 2, bias=False)
    torch.nn.init.ones_(module.weight)
    assert Twin(module, twice_the_sum).step() == [(1, 8.0)]


def squared(stack):
    return stack.square()


def test_each_stack_comes_back_whole_from_both():
    stacks = [torch.randn(count, 3, 2) for count in (1, 2, 5)]
    both = Twin(torch.nn.Linear(2, 2, bias=False), twice_the_sum, ten_times_the_sum)
    try:
        found = both.each(squared, stacks)
    finally:
        both.close()
    alone = Twin(torch.nn.Linear(2, 2, bias=False), twice_the_sum).each(squared, stacks)
    for got, expected, stack in zip(found, alone, stacks, strict=True):
        assert torch.equal(got, stack.square())
        assert torch.equal(expected, stack.square())
