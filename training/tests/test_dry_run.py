"""Every part for a few steps at tiny sizes: does it run, save, go on and fit together? Nothing is
learned here.
"""

import random
import sys

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed (training/requirements.txt)")
torch = pytest.importorskip("torch", reason="PyTorch is not installed (training/requirements.txt)")
pytest.importorskip("diffusers", reason="diffusers is not installed (training/requirements.txt)")
pytest.importorskip(
    "transformers", reason="transformers is not installed (training/requirements.txt)"
)

from training import (
    autoencoder,
    contact_sheet,
    export,
    outlines,
    paperland,
    pool,
    recogniser,
    score,
    shards,
    stock,
    tokenizer,
    train,
    vae,
)
from training.frames import SQUARE, Frame
from training.picture import draw
from training.prompts import TOKENIZER, PromptEncoder
from training.sample import Settings, pictures, sample
from training.scene import sample_scene

pytestmark = pytest.mark.skipif(
    not (TOKENIZER / "tokenizer.json").exists(), reason="models/paperland is missing"
)
SMALL = Frame(128, 128)


@pytest.fixture(autouse=True)
def one_thread_and_one_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def small_frames(monkeypatch):
    """Draws every picture as one token."""
    monkeypatch.setattr(pool, "sample_frame", lambda rng: SMALL)


@pytest.fixture
def call(monkeypatch):
    """Calls a part as from a shell."""

    def run(part, *words):
        monkeypatch.setattr(sys, "argv", [part.__name__, *map(str, words)])
        part.main()

    return run


@pytest.fixture
def first_vae(tmp_path):
    """An untrained autoencoder with the narrow decoder of the first weights."""
    path = tmp_path / "first_vae.pt"
    torch.save(autoencoder.build(autoencoder.FIRST_DECODER_CHANNELS).state_dict(), path)
    return path


def test_a_tokenizer_is_trained_and_written(tmp_path, call):
    call(tokenizer, "--captions", 50, "--out", tmp_path / "tokenizer")
    encode = PromptEncoder(tmp_path / "tokenizer")
    assert (
        encode.tokenizer.decode(encode("a red ball"))
        == "user\na red ball\nassistant\n<think>\n\n</think>\n\n"
    )


def test_widening_keeps_what_the_decoder_computes():
    narrow = autoencoder.build((32, 48, 96, 128)).eval()
    wide = autoencoder.widen(narrow, (64, 48, 96, 128)).eval()
    latents = torch.randn(1, 8, 2, 2)
    with torch.no_grad():
        assert torch.allclose(
            autoencoder.decode(wide, latents), autoencoder.decode(narrow, latents), atol=1e-5
        )


def test_tokens_and_latents_are_inverse():
    net = autoencoder.build()
    latents = torch.randn(2, 8, 4, 6)
    tokens = autoencoder.to_tokens(net, latents)
    assert tokens.shape == (2, 6, 32)
    assert torch.allclose(autoencoder.from_tokens(net, tokens, (2, 3)), latents, atol=1e-5)


def test_the_decoder_trains_and_leaves_the_encoder_alone(tmp_path, call, first_vae, small_frames):
    out = tmp_path / "vae.pt"
    call(
        vae,
        "train",
        "--init",
        first_vae,
        "--out",
        out,
        "--minutes",
        0.02,
        "--batch",
        1,
        "--report-every",
        1,
    )
    before, after = torch.load(first_vae), torch.load(out)
    assert after["samples"] > 0
    assert torch.equal(before["encoder.conv_in.weight"], after["raw"]["encoder.conv_in.weight"])
    assert after["raw"]["decoder.conv_out.weight"].shape[1] == autoencoder.DECODER_CHANNELS[0]
    call(vae, "train", "--init", first_vae, "--out", out, "--minutes", 0.04, "--batch", 1)
    assert torch.load(out)["samples"] > after["samples"]


def test_a_refit_lowers_the_error(small_frames):
    net = autoencoder.build().eval()
    rng = random.Random(31)
    pixels = pool.render_batch(rng, 1)[2]
    error = lambda: (
        (autoencoder.decode(net, autoencoder.encode(net, pixels)) - pixels).square().mean()
    )
    with torch.no_grad():
        before = error()
        vae.refit(net, pictures=2, ridge=1e-3)
        assert error() < before


def test_a_pool_is_written_and_trained_on_and_goes_on(tmp_path, call, first_vae, small_frames):
    folder, out = tmp_path / "pool", tmp_path / "dit.pt"
    call(pool, "--vae", first_vae, "--count", 8, "--shard", 8, "--out", folder)
    (group,) = shards.load_shard(folder / "1-0000.pt")
    assert group.tokens.shape == (8, 1, 32) and len(group.scenes) == 8
    words = ("--pool", folder, "--out", out, "--batch", 2, "--no-compile", "--report-every", 1)
    call(train, *words, "--minutes", 0.02)
    samples = torch.load(out)["samples"]
    assert samples > 0
    call(train, *words, "--minutes", 0.04)
    assert torch.load(out)["samples"] > samples


def test_fewer_single_blocks_are_filled_up_with_the_identity():
    net = paperland.Paperland()
    torch.nn.init.normal_(net.transformer.proj_out.weight)
    last = len(net.transformer.single_transformer_blocks) - 1
    shallow = {
        name: value
        for name, value in net.state_dict().items()
        if f"single_transformer_blocks.{last}." not in name
    }
    deep = paperland.Paperland()
    deep.load_shallower(shallow)
    del net.transformer.single_transformer_blocks[last]
    ids = torch.zeros(1, 4, dtype=torch.long)
    inputs = (
        torch.randn(1, 4, 32),
        torch.tensor([0.5]),
        ids,
        ids == 0,
        *net.transformer.rotation(4, (2, 2)),
    )
    with torch.no_grad():
        assert torch.allclose(deep(*inputs), net(*inputs), atol=1e-6)


def test_prompts_name_every_fact_and_do_not_change():
    for name in ("single", "pair", "row", "long prompts"):
        group = score.Group(4, score.GROUPS[name].mix, wording=score.GROUPS[name].wording)
        assert score.prompts(group) == score.prompts(group)


def test_the_recogniser_reads_and_the_score_counts():
    net = recogniser.train(recogniser.Recogniser(), steps=1, batch=2).eval()
    group = score.Group(2, frame=SMALL)
    encode = PromptEncoder()
    found = score.score_model(
        paperland.Paperland().eval(),
        autoencoder.build().eval(),
        encode,
        net,
        group,
        Settings(steps=1),
    )
    assert set(found) >= {"kind", "colour", "setting", "time", "all"} and found["pictures"] == 2


def test_a_render_lies_on_its_ideal_outline():
    scene = sample_scene(random.Random(4))
    found = outlines.compare(scene, SQUARE, draw(scene, SQUARE))
    assert found.distance < 3 and found.overlap > 0.95


def test_the_exported_folder_computes_the_same_in_the_stock_pipeline(tmp_path):
    net, net_vae, encode = paperland.Paperland().eval(), autoencoder.build().eval(), PromptEncoder()
    torch.nn.init.normal_(net.transformer.proj_out.weight, std=0.1)
    assert max(export.write(tmp_path, net, net_vae, encode, half=False)) < 1e-4
    settings = Settings(steps=2)
    loaded = stock.load(tmp_path)
    theirs = torch.from_numpy(
        np.array(stock.generate(loaded, "a red ball", 3, SMALL, settings))
    ).float()
    (ours,) = pictures(net_vae, sample(net, encode, ["a red ball"], [3], (1, 1), settings), (1, 1))
    assert (theirs - ((ours + 1) * 127.5).permute(1, 2, 0)).abs().max() < 1
    sheet = contact_sheet.draw_sheet(loaded, [])
    assert sheet.width > 0
