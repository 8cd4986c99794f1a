"""Autoencoders of other depths."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (training/requirements.txt)")

from diffusers import AutoencoderKLFlux2

from training import autoencoder


@torch.no_grad()
def test_a_deeper_autoencoder_begins_as_the_shallower_one_that_it_came_from(tmp_path):
    torch.manual_seed(1)
    shallow = AutoencoderKLFlux2(**{**autoencoder.CONFIG, "layers_per_block": 1}).eval()
    torch.save(shallow.state_dict(), tmp_path / "shallow.pt")
    deep = autoencoder.load(tmp_path / "shallow.pt")
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    latents = autoencoder.encode(shallow, pixels)
    assert torch.equal(autoencoder.encode(deep, pixels), latents)
    assert torch.equal(autoencoder.decode(deep, latents), autoencoder.decode(shallow, latents))


def test_an_autoencoder_of_other_parts_is_refused(tmp_path):
    state = autoencoder.build().state_dict()
    del state["decoder.conv_in.weight"]
    torch.save(state, tmp_path / "broken.pt")
    with pytest.raises(ValueError, match="decoder.conv_in.weight"):
        autoencoder.load(tmp_path / "broken.pt")
