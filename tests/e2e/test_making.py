"""How a picture is made, said by the request: steps, guidance and a negative prompt, with the OpenAI
client as it is shipped, and what each model takes of it."""

import json

import pytest
import requests

from program import PAPERLAND, ROOT, run

openai = pytest.importorskip("openai", reason="the openai package is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from program import Server
    folder = tmp_path_factory.mktemp("making")
    broken = folder / "broken"
    broken.mkdir()
    (broken / "model_index.json").write_text('{"_class_name": "Flux2KleinPipeline"}')
    with Server(folder / "data",
                "--set", f"models.paperland.path={PAPERLAND}",
                "--set", "models.paperland.steps=1",
                "--set", "models.paperland.steps_max=3",
                "--set", f"models.distilled.path={ROOT / 'tests/golden/a1'}",
                "--set", f"models.flux1.path={ROOT / 'tests/golden/b1'}",
                "--set", f"models.embedded.path={ROOT / 'tests/golden/b2'}",
                "--set", f"models.broken.path={broken}") as running:
        yield running


def made(client, **extra):
    reply = client.images.generate(model="paperland", prompt="a red house", size="704x1408",
                                   response_format="b64_json", extra_body={"seed": 7} | extra)
    return reply.data[0].b64_json


def test_each_of_them_changes_the_picture_and_the_same_give_the_same(client):
    plain = made(client)
    steps = made(client, steps=2)
    guided = made(client, guidance=6)
    kept_away = made(client, guidance=6, negative_prompt="a blue house")
    assert len({plain, steps, guided, kept_away}) == 4
    assert made(client, num_inference_steps=2) == steps
    assert made(client, guidance_scale=6.0, negative_prompt="a blue house") == kept_away


def test_what_is_sold_is_written_down(client, server):
    made(client, steps=3, guidance=4.5)
    steps, guidance, payload = server.query(
        "SELECT steps, guidance, payload FROM jobs ORDER BY sequence DESC LIMIT 1")[0]
    assert (steps, guidance) == (3, 4.5)
    assert json.loads(payload)["steps"] == 3


@pytest.mark.parametrize("model, field, value, says", [
    ("paperland", "steps", 4, 'steps is 4, expected 1 to 3 for the model "paperland"'),
    ("paperland", "steps", 0, "expected 1 to 3"),
    ("paperland", "guidance", 101, "guidance is 101, expected 0 to 100"),
    ("distilled", "negative_prompt", "a dog", 'the model "distilled" has no true guidance'),
    ("embedded", "negative_prompt", "a dog", 'the model "embedded" has no true guidance'),
])
def test_what_a_model_does_not_offer_is_refused_by_name(client, server, model, field, value, says):
    jobs = len(server.job_states())
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model=model, prompt="a cat", extra_body={field: value})
    assert refused.value.param == field
    assert says in refused.value.body["message"]
    assert len(server.job_states()) == jobs


def test_the_lists_say_what_each_model_takes(server):
    models = {m["id"]: m for m in server.get("/v1/image-generation-models").json()["models"]}
    assert models["flux1"]["input_modalities"] == ["text"]
    assert models["paperland"]["input_modalities"] == ["text", "image"]
    assert models["paperland"]["max_references"] == 3
    assert models["paperland"]["guidance"] == "true"
    assert models["paperland"]["max_steps"] == 3
    assert models["distilled"]["input_modalities"] == ["text", "image"]
    assert models["distilled"]["max_references"] == 8
    assert models["distilled"]["guidance"] == "none"
    assert models["embedded"]["guidance"] == "embedded"
    assert models["embedded"]["masks"] is False
    assert {m["status"] for name, m in models.items() if name != "broken"} == {"ready"}
    for model in server.get("/v1/models").json()["data"]:
        if "image" in model["output_modalities"]:
            assert model["input_modalities"] == models[model["id"]]["input_modalities"]


def test_a_model_that_could_not_be_loaded_says_so_and_takes_nothing(server):
    assert server.get("/v1/models/broken").json()["status"] == "failed"
    reply = requests.post(f"{server.url}/v1/images/generations", headers=server.headers(),
                          json={"model": "broken", "prompt": "a cat"}, timeout=10)
    assert reply.status_code == 503
    assert 'the model "broken" could not be loaded' in reply.json()["error"]["message"]


def test_the_command_line_has_them_too(tmp_path):
    def picture(name, *options):
        done = run("generate", "a red house", "-o", tmp_path / name, "--seed", 7, "--steps", 1,
                   "--aspect-ratio", "1:2", *options)
        assert done.returncode == 0, done.stderr
        return (tmp_path / name).read_bytes()
    away = ("--guidance", 6, "--negative-prompt", "a blue house")
    assert picture("a.png", *away) == picture("b.png", *away) != picture("c.png", "--guidance", 6)
    refused = run("generate", "a red house", "-o", tmp_path / "d.png", "--model",
                  ROOT / "tests/golden/a1", "--negative-prompt", "a dog")
    assert refused.returncode != 0
    assert "negative_prompt" in refused.stderr and "no true guidance" in refused.stderr
