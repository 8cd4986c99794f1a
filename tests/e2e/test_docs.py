"""The API's document as it is served: to programs as JSON, to people as a page."""

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess

import pytest
import requests

from program import PAPERLAND, ROOT, run

yaml = pytest.importorskip("yaml", reason="openapi-spec-validator is not installed")
validator = pytest.importorskip("openapi_spec_validator")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from program import Server
    with Server(tmp_path_factory.mktemp("docs"),
                "--set", f"models.grok-imagine-image.path={PAPERLAND}",
                "--set", "models.grok-imagine-image.steps=1") as running:
        yield running


@pytest.fixture(scope="module")
def page(server):
    return requests.get(f"{server.url}/docs", timeout=10)


def test_the_document_is_the_one_that_is_written_and_valid(server):
    served = requests.get(f"{server.url}/openapi.json", timeout=10)
    assert served.headers["content-type"] == "application/json"
    document = served.json()
    validator.validate(document)
    assert document.pop("servers") == [{"url": server.url}]
    written = yaml.safe_load((ROOT / "docs/api/openapi.yaml").read_text())
    written.pop("servers")
    assert document == written


@pytest.mark.parametrize("path, field, schema", [
    ("models", "data", "Model"), ("image-generation-models", "models", "ImageModel"),
    ("video-generation-models", "models", "VideoModel")])
def test_the_models_are_listed_as_the_document_says(server, path, field, schema):
    jsonschema = pytest.importorskip("jsonschema")
    document = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    as_written = jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": document["components"]})
    known = document["components"]["schemas"][schema]["properties"]
    for model in server.get(f"/v1/{path}").json()[field]:
        as_written.validate(model)
        assert set(model) <= set(known), model["id"]


def test_the_page_shows_every_route_and_every_field_of_a_generation(server, page):
    document = server.get("/openapi.json").json()
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "delete"):
            if method in item:
                assert f'<section id="{item[method]["operationId"]}">' in page.text
        assert f'<span class=path>{html.escape(path)}</span></h2>' in page.text
    for name in document["components"]["schemas"]["GenerationRequest"]["properties"]:
        assert f"<td><code>{name}</code>" in page.text, name


def test_the_page_needs_no_script_and_no_other_host(server, page):
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", page.text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "<script" not in page.text and " style=" not in page.text and "@import" not in style
    assert "url(" not in style and not re.search(r"\son\w+=", page.text)
    for link in re.findall(r'(?:href|src)="([^"]*)"', page.text):
        assert link == "openapi.json" or link.startswith("#")
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in page.text


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_first_example_works_as_it_stands(server, page):
    command = html.unescape(re.search(r"<pre><code>(curl .*?)</code></pre>", page.text, re.S).group(1))
    assert "/v1/images/generations" in command
    done = subprocess.run(["bash", "-c", command], env={**os.environ, "KEY": server.key},
                          capture_output=True, text=True, timeout=60)
    assert '"data":[{"url":"http' in done.stdout, done.stdout + done.stderr


def example_prompts():
    """What the documents, --help and the console ask the built-in model for."""
    help_text = run("help", "generate").stdout
    found = re.findall(r'(?:generate|echo|prompt=|"prompt": |sample\()\s?"([^"]+)"',
                       (ROOT / "README.md").read_text() + help_text)
    console = (ROOT / "console/pages/playground.js").read_text()
    found += re.findall(r'"([^"]+)"', re.search(r"SAMPLES = \[(.*?)\]", console).group(1))
    for path in ("/v1/images/generations", "/v1/images/edits"):
        document = yaml.safe_load((ROOT / "docs/api/openapi.yaml").read_text())
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        found.append(body["example"]["prompt"])
    return found


def test_the_examples_are_of_words_that_the_built_in_model_knows():
    known = set(json.loads((PAPERLAND / "sampling.json").read_text())["vocabulary"])
    prompts = example_prompts()
    assert len(prompts) >= 10
    for prompt in prompts:
        assert set(re.findall(r"[a-z0-9]+", prompt.lower())) <= known, prompt
