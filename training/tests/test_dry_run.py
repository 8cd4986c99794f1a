"""Every part for a few steps at tiny sizes: does it run, save, go on and fit together? Nothing is
learned here.
"""

import math
import os
import random
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

for _name in ("numpy", "PIL", "resvg_py", "torch", "diffusers", "transformers", "tokenizers"):
    pytest.importorskip(_name, reason=f"{_name} is not installed (training/requirements.txt)")

import numpy as np
import torch

from training import (
    autoencoder,
    batches,
    contact_sheet,
    edits,
    export,
    import_weights,
    optimisers,
    paperland,
    pool,
    prompts,
    recogniser,
    score,
    shards,
    stage,
    stock,
    tokenizer,
    train,
    vae,
)
from training.finish import EDGE_PASSES
from training.frames import Frame
from training.picture import draw
from training.prompts import PromptEncoder
from training.run import Run
from training.sample import Settings, noise_levels, sample
from training.scene import INDOORS, STAGES, STYLES, Mix, Scene, Thing, kinds_of_stage, sample_scene

pytestmark = pytest.mark.usefixtures("artwork_there")
TINY = Frame(256, 256)
FEW = kinds_of_stage(60)


@pytest.fixture(autouse=True)
def one_thread_and_one_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def two_steps(monkeypatch):
    """Ends every start of a run after two steps, however slow the machine is."""
    monkeypatch.setattr(Run, "over", property(lambda run: run.steps >= 2))


@pytest.fixture(scope="session")
def words(tmp_path_factory, artwork_there):
    """A tokenizer's folder."""
    folder = tmp_path_factory.mktemp("words")
    tokenizer.write(tokenizer.train(captions=300), folder)
    return folder


@pytest.fixture
def encode(words):
    return PromptEncoder(words)


@pytest.fixture
def call(monkeypatch):
    """Calls a part as from a shell."""

    def run(part, *arguments):
        monkeypatch.setattr(sys, "argv", [part.__name__, *map(str, arguments)])
        part.main()

    handler = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="session")
def autoencoder_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("vae") / "vae.pt"
    torch.save(autoencoder.build().state_dict(), path)
    return path


def test_a_tokenizer_gives_back_what_it_read(encode):
    assert (
        encode.tokenizer.decode(encode("a red ball"))
        == "user\na red ball\nassistant\n<think>\n\n</think>\n\n"
    )


def test_tokens_and_latents_are_inverse():
    net = autoencoder.build()
    latents = torch.randn(2, 8, 4, 6)
    tokens = autoencoder.to_tokens(net, latents)
    assert tokens.shape == (2, 6, 32)
    assert torch.allclose(autoencoder.from_tokens(net, tokens, (2, 3)), latents, atol=1e-5)


def test_orthogonalised_matrices_have_singular_values_near_one():
    for shape in ((2, 24, 24), (2, 16, 200), (2, 200, 16)):
        values = torch.linalg.svdvals(optimisers.orthogonalise(torch.randn(shape)))
        assert values.max() < 1.3 and values.median() > 0.5


def test_the_autoencoder_trains_and_goes_on_and_is_frozen(tmp_path, call, two_steps):
    out, frozen = tmp_path / "vae.pt", tmp_path / "frozen.pt"
    flags = ("--tiny", "--processes", 1, "--report-every", 1)
    call(vae, "train", "--out", out, "--minutes", 1, *flags)
    first = torch.load(out)
    call(vae, "train", "--out", out, "--minutes", 1, *flags)
    assert torch.load(out)["samples"] == 2 * first["samples"] > 0
    call(vae, "store", out, "--weights", tmp_path / "stored")
    call(import_weights, "--weights", tmp_path / "stored", "--out", tmp_path / "back")
    call(vae, "train", "--begin", tmp_path / "back" / "vae.pt", "--out", tmp_path / "on.pt", "--minutes", 1, *flags)
    call(vae, "freeze", out, "--out", frozen, "--pictures", 2)
    before = torch.load(frozen)
    assert not torch.equal(before["bn.running_var"], torch.ones(32))
    decoder = tmp_path / "decoder.pt"
    call(vae, "train", "--init", frozen, "--out", decoder, "--minutes", 1, *flags)
    after = torch.load(decoder)["raw"]
    for name in before:
        if name.startswith("encoder."):
            assert torch.equal(before[name], after[name])
    assert not torch.equal(before["decoder.conv_in.weight"], after["decoder.conv_in.weight"])


def test_a_refit_lowers_the_error():
    net = autoencoder.build().eval()
    rng = random.Random(31)
    pixels = autoencoder.to_pixels([vae.draw(sample_scene(rng, (8, 8), vae.crops.MIX))])
    error = lambda: (
        (autoencoder.decode(net, autoencoder.encode(net, pixels)) - pixels).square().mean()
    )
    with torch.no_grad():
        before = error()
        vae.refit(net, pictures=1, ridge=1e-3)
        assert error() < before


def test_edges_are_as_wide_as_they_are_made():
    wanted = torch.zeros(16, 64)
    wanted[:, 32:] = 1
    for width in (1.0, 4.0):
        made = ((torch.arange(64) - 31.5) / width + 0.5).clamp(0, 1).expand(16, 64)
        found = vae.edge_widths(made, wanted)
        assert found and np.allclose(found, 0.8 * width, atol=0.25)


@pytest.mark.parametrize("phase", pool.PHASES)
def test_a_pool_holds_tokens_of_its_phase(phase, tmp_path, monkeypatch):
    if phase in ("parts", "full"):  # their pictures take long
        monkeypatch.setattr(pool, "sample_grid", lambda rng, phase: (8, 8))
    net = autoencoder.build().eval()
    pool.write_pool(net, tmp_path, 2, 1, phase, FEW, shard=2)
    (path,) = tmp_path.glob("*.pt")
    for group in shards.load_shard(path):
        count = len(group.subjects)
        tokens = math.prod(group.grid)
        assert group.made.shape == (count, tokens * len(group.times), 32)
        assert (group.given is not None) == (phase in ("edits", "clips", "scrambled"))
        if group.given is not None:
            assert group.given.shape == (count, tokens * len(group.given_times), 32)


def test_a_pool_of_edits_holds_the_operations_that_are_named():
    rng, named = random.Random(3), ("move", "recolour")
    found = {pool.sample_subject(rng, "edits", FEW, Mix(), named).operation for _ in range(12)}
    assert found == set(named)


def test_of_edits_small_errors_of_tokens_count_more_than_their_squares():
    made, shape = torch.zeros(1, 4, 32), batches.Shape((2, 2), (0,), (10,))
    off = torch.full((1, 4, 32), 0.01)
    loss = lambda given, velocity: train.picture_losses(
        SimpleNamespace(x=made, made=made, now=torch.ones(1), given=given, shape=shape), velocity
    ).item()
    assert loss(None, off) == pytest.approx(1e-4)
    assert 20 * loss(None, off) < loss(made, off) < 50 * loss(None, off)
    assert loss(made, 100 * off) == pytest.approx(1 + 0.2, rel=1e-3)


def test_half_of_scrambled_pictures_are_of_parts_of_all_and_every_part_stays_in_its_place():
    rng, grid = random.Random(6), (4, 6)
    scenes = [sample_scene(rng, grid) for _ in range(8)]
    numbers = torch.arange(8)[:, None, None] * 100 + torch.arange(24)[:, None]  # picture and place
    found = pool.scrambled(shards.Group(grid, scenes, numbers.expand(8, 24, 32).half()), rng)
    assert torch.equal(found.made, found.given)
    assert torch.equal(found.made[::2], numbers.expand(8, 24, 32).half()[::2])
    assert torch.equal(found.made[1] % 100, found.made[0] % 100)
    assert len(found.made[1].div(100, rounding_mode="floor").unique()) > 2
    assert edits.instruction(found.subjects[0], rng)


@pytest.fixture
def small_pool(tmp_path, monkeypatch, words):
    monkeypatch.setattr(prompts, "TOKENIZER", words)
    monkeypatch.setattr(PromptEncoder.__init__, "__defaults__", (words,))
    folder = tmp_path / "pool"
    for phase in ("small", "edits"):
        monkeypatch.setattr(pool, "sample_grid", lambda rng, phase: (8, 8))
        pool.write_pool(autoencoder.build().eval(), folder, 4, 1, phase, FEW, shard=4)
    return folder


def test_processes_side_by_side_get_batches_of_the_same_shapes(small_pool):
    one, other = (batches.Batches(small_pool, 2, seed) for seed in (1, 2))
    shapes = [(one.next().shape, other.next().shape) for _ in range(8)]
    assert all(mine == theirs for mine, theirs in shapes)
    assert len({shape.given_times for shape, _ in shapes}) == 2  # scenes and edits


def test_a_sample_takes_each_step_of_the_sampler_with_the_velocity_it_is_given(small_pool):
    source = batches.Batches(small_pool, 2, 1)
    followed, seen = None, []
    while followed is None or len(seen) < len(steps) - 1:
        batch = source.next()
        if followed is None:
            followed, noise = batch.samples[0], batch.x[0]
            steps = followed.levels
            assert steps == noise_levels(len(steps) - 1).tolist()
        if followed in batch.samples:
            at = batch.samples.index(followed)
            level = batch.now[at].item()
            seen.append(level)
            there = (1 - level) * batch.made[at] + level * noise
            torch.testing.assert_close(batch.x[at], there, atol=1e-4, rtol=0)
        source.go_on(batch, (batch.x - batch.made) / batch.now[:, None, None])
    assert seen == pytest.approx(steps[:-1])
    assert followed not in source.waiting[followed.key]  # it has arrived


def test_training_runs_and_goes_on(tmp_path, call, small_pool, two_steps):
    out = tmp_path / "dit.pt"
    flags = ("--pool", small_pool, "--out", out, "--batch", 2, "--no-compile", "--processes", 1)
    call(train, *flags, "--minutes", 1)
    assert torch.load(out)["samples"] == 4
    call(train, *flags, "--minutes", 1)
    assert torch.load(out)["samples"] == 8


def test_a_run_ends_with_its_state_saved_when_it_is_told_to(tmp_path, call, small_pool, monkeypatch):
    out = tmp_path / "dit.pt"
    took = Run.tick

    def told_after_a_step(run, samples):
        took(run, samples)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Run, "tick", told_after_a_step)
    flags = ("--pool", small_pool, "--out", out, "--batch", 2, "--no-compile", "--processes", 1)
    call(train, *flags, "--minutes", 1000)
    assert torch.load(out)["samples"] == 2


def test_a_stage_takes_up_the_weights_draws_and_trains(tmp_path, call, monkeypatch):
    parts = []

    class Drawing:
        def __init__(self, command):
            parts.append(command)
            (tmp_path / "pool-small").mkdir()
            (tmp_path / "pool-small" / "small.pt").touch()

        def poll(self):
            return None

        def terminate(self):
            parts.append("terminated")

    monkeypatch.setattr(stage.subprocess, "Popen", Drawing)
    monkeypatch.setattr(stage.subprocess, "run", lambda command, check: parts.append(command))
    call(stage, "small", "--out", tmp_path, "--minutes", 1, "--batch", 4)
    said = [" ".join(part[3:]) if isinstance(part, list) else part for part in parts]
    assert "import_weights" in said[0] and "pool" in said[1] and "--phase compact small edits" in said[1]
    assert "train" in said[2] and said[2].endswith("--batch 4") and said[3] == "terminated"


def test_references_change_what_is_made_but_not_its_shape():
    net = paperland.Paperland().transformer
    torch.nn.init.normal_(net.proj_out.weight)
    x, given, prompt = torch.randn(1, 4, 32), torch.randn(1, 8, 32), torch.randn(1, 3, 384)
    t = torch.tensor([0.5])
    with torch.no_grad():
        alone = net(x, t, prompt, *net.rotation(3, (2, 2)))
        beside = net(x, t, prompt, *net.rotation(3, (2, 2), (0, 10, 20)), given)
    assert beside.shape == alone.shape and not torch.allclose(beside, alone)


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


# ---------------------------------------------------------------- recogniser and score
@pytest.fixture(scope="session")
def seeing(artwork_there):
    """Reads pictures of 512 x 512 with a few kinds."""
    reader = recogniser.Recogniser((8, 8), ("cat", "dog", "cow", "owl", "whale", "bus", "mushroom"))
    return lambda picture: reader.read(autoencoder.to_pixels([picture])[0])


def a_scene(*things, **changes):
    facts = dict(setting="beach", time="sunset", weather="rain", horizon=5, layout="group")
    facts |= changes
    if facts["setting"] in INDOORS:
        facts |= dict(time="day", weather="clear")
    return Scene(8, 8, things=things, **facts)


CAT, BUS = Thing("cat", None, 0, 2, 3), Thing("bus", "red", 5, 2, 3)


@pytest.mark.parametrize(
    "scene",
    [
        a_scene(),
        a_scene(CAT, BUS, layout="pair", relation="left"),
        a_scene(Thing("mushroom", "blue", 1, 1, 6), setting="plain", backdrop="yellow"),
        a_scene(*(Thing("owl", None, x, 4, 2) for x in (0, 2, 4, 6)), layout="row"),
        a_scene(Thing("whale", None, 0.5, 0.5, 6), setting="room"),
    ],
)
def test_every_fact_of_a_render_is_read_right(scene, seeing):
    facts = score.judge(scene, seeing(draw(scene)))
    assert facts["all"], facts


def test_styles_are_told_apart_and_read_in(monkeypatch):
    plain = lambda grid, style: [a_scene(setting="plain", backdrop="white", style=style)]
    monkeypatch.setattr(recogniser, "backdrops", plain)
    reader = recogniser.Recogniser((8, 8), ("horse", "whale"), STYLES)
    for style in STYLES:
        scene = a_scene(Thing("horse", None, 1, 1, 6), setting="plain", style=style)
        facts = score.judge(scene, reader.read(autoencoder.to_pixels([draw(scene)])[0]))
        assert facts["all"], (style, facts)


def test_a_judge_sees_each_kind_of_error(seeing):
    scene = a_scene(CAT, BUS, layout="pair", relation="left")
    others = {
        "place": a_scene(Thing("cat", None, 5, 2, 3), Thing("bus", "red", 0, 2, 3)),
        "kind": a_scene(Thing("dog", None, 0, 2, 3), BUS),
        "colour": a_scene(CAT, Thing("bus", "blue", 5, 2, 3)),
        "count": a_scene(CAT, BUS, Thing("cow", None, 3, 5, 2)),
        "time": a_scene(CAT, BUS, time="day"),
        "setting": a_scene(CAT, BUS, setting="snow"),
    }
    for fact, other in others.items():
        facts = score.judge(scene, seeing(draw(other)))
        assert not facts[fact] and not facts["all"], fact


def test_half_of_one_drawing_and_half_of_another_is_none(seeing):
    left, right = (draw(a_scene(Thing(kind, None, 1, 1, 6))) for kind in ("cow", "whale"))
    both = np.concatenate((left[:, :256], right[:, 256:]), 1)
    assert None in [seen.kind for seen in seeing(both).things]


def test_things_in_their_own_colours_count_as_the_nearest_colour(seeing):
    (mushroom,) = seeing(draw(a_scene(Thing("mushroom", None, 1, 1, 6)))).things
    assert mushroom.colour == "red"


def test_prompts_name_every_fact_and_do_not_change():
    for name in ("single", "new looks", "pair", "row", "style", "long prompts"):
        group = score.GROUPS[name]
        found = score.prompts(group, Frame(512, 512), FEW, 6)
        assert found == score.prompts(group, Frame(512, 512), FEW, 6) and len(found) == 6
        assert all(score.says_all(scene, text) for scene, text in found)


def test_few_prompts_are_spread_over_all_kinds():
    kinds = kinds_of_stage(STAGES[-1])
    found = score.prompts(score.GROUPS["single"], Frame(512, 512), kinds, 3)
    assert [kinds.index(scene.things[0].kind) for scene, _ in found] == [0, 109, 218]


def test_pictures_edits_and_clips_are_scored(encode, monkeypatch):
    few = ("cat", "dog", "bus", "mushroom")
    model = score.Model(paperland.Paperland().eval(), autoencoder.build().eval(), encode, few)
    frame, settings = Frame(512, 512), Settings(steps=1)
    found = score.score_group(model, score.GROUPS["single"], frame, settings, 2)
    assert set(found) >= {"kind", "setting", "count", "all"} and found["pictures"] == 2
    monkeypatch.setattr(score, "STYLES", ("flat",))  # all eight of them take a minute to draw
    assert score.score_edits(model, frame, settings, 2)["pictures"] == 2
    assert score.score_clips(model, frame, settings, 1)["pictures"] == 1


def test_the_exported_folder_computes_the_same_in_the_stock_pipeline(tmp_path, encode, words, call):
    net, net_vae = paperland.Paperland().eval(), autoencoder.build().eval()
    torch.nn.init.normal_(net.transformer.proj_out.weight, std=0.1)
    folder = tmp_path / "folder"
    differences = export.write(folder, net, net_vae, encode, FEW, 512, words, half=False)
    assert max(differences) < 1e-4
    settings = Settings(steps=2)
    loaded = stock.load(folder)
    assert loaded.edge_passes == EDGE_PASSES
    # As decoded: of noise, finishing puts edges where a rounding does.
    loaded = replace(loaded, edge_passes=0)
    theirs = torch.from_numpy(
        np.array(stock.generate(loaded, "a red ball", 3, TINY, settings))
    ).float()
    tokens = sample(net, encode, ["a red ball"], [3], (4, 4), settings)
    decoded = autoencoder.decode(net_vae, autoencoder.from_tokens(net_vae, tokens, (4, 4)))
    ours = decoded[0].detach().clamp(-1, 1)
    assert (theirs - ((ours + 1) * 127.5).permute(1, 2, 0)).abs().max() < 1
    assert contact_sheet.draw_sheet(loaded, []).width > 0
    call(import_weights, "--weights", folder, "--out", tmp_path / "again")
    again = torch.load(tmp_path / "again" / "dit.pt")["raw"]
    assert all(torch.equal(again[name], value) for name, value in net.state_dict().items())
