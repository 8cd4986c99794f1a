"""What every step of training rests on."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (training/requirements.txt)")

from training.optimisers import orthogonalise


@pytest.mark.parametrize("shape", [(64, 576), (96, 864), (192, 64), (128, 96)])
def test_steep_spectra_become_flat_whatever_the_shape(shape):
    torch.manual_seed(0)
    u, s, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    steep = u @ torch.diag(torch.logspace(0, -3, len(s))) @ v  # as gradients are
    found = torch.linalg.svdvals(orthogonalise(steep[None])[0])
    assert found.max() < 1.3
    assert found[len(found) // 2] > 0.5
