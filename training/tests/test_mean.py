import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (training/requirements.txt)")

from training.mean import mean


def test_a_mean_holds_its_share_of_the_second():
    found = mean({"a": torch.tensor([0.0, 10.0])}, {"a": torch.tensor([10.0, 10.0])}, 0.7)
    assert torch.allclose(found["a"], torch.tensor([7.0, 10.0]))


def test_states_of_other_names_are_refused_by_name():
    with pytest.raises(ValueError, match="'b'"):
        mean({"a": torch.zeros(1)}, {"a": torch.zeros(1), "b": torch.zeros(1)}, 0.5)
