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


@pytest.mark.parametrize(
    "part",
    [
        "decoder.conv_in.weight",
        "decoder.mid_block.resnets.0.conv2.weight",
        "decoder.up_blocks.0.resnets.0.norm1.bias",
        "decoder.up_blocks.0.resnets.3.conv2.weight",
    ],
)
def test_an_autoencoder_that_lacks_a_part_is_refused(tmp_path, part):
    state = autoencoder.build().state_dict()
    del state[part]
    torch.save(state, tmp_path / "broken.pt")
    with pytest.raises(ValueError, match=part):
        autoencoder.load(tmp_path / "broken.pt")
