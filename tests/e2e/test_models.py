"""Model folders that are broken in one place, and what is said of one that is whole."""

import json
import shutil

import pytest

import safetensors
from program import PAPERLAND, PROMPT, run

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(PAPERLAND, tmp_path / "model")
    return tmp_path / "model"


def generate(folder, tmp_path):
    return run("generate", PROMPT, "--model", folder, "-o", tmp_path / "out.png")


def first_matrix(header):
    return next(name for name, entry in header.items()
                if name != "__metadata__" and len(entry["shape"]) == 2)


def test_the_copy_itself_works(folder, tmp_path):
    assert generate(folder, tmp_path).returncode == 0


@pytest.mark.parametrize("missing, word", [
    ([WEIGHTS], "transformer"),
    (["text_encoder/model.safetensors"], "text_encoder"),
    (["vae/config.json"], "vae"),
    (["tokenizer/tokenizer.json", "tokenizer/vocab.json"], "tokenizer"),
    (["model_index.json"], "model_index"),
], ids=["transformer", "text encoder", "vae", "tokenizer", "index"])
def test_a_missing_file_is_named(folder, tmp_path, missing, word):
    for name in missing:
        (folder / name).unlink()
    result = generate(folder, tmp_path)
    assert result.returncode in (65, 66), result.stderr
    assert word in result.stderr.splitlines()[0]


def test_a_wrong_shape_names_the_tensor(folder, tmp_path):
    header, data = safetensors.read(folder / WEIGHTS)
    name = first_matrix(header)
    rows, columns = header[name]["shape"]
    header[name]["shape"] = [columns, rows] if rows != columns else [rows // 2, columns * 2]
    safetensors.write(folder / WEIGHTS, header, data)
    result = generate(folder, tmp_path)
    assert result.returncode == 65, result.stderr
    assert name in result.stderr


def test_a_cut_file_is_refused(folder, tmp_path):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:len(data) // 2])
    result = generate(folder, tmp_path)
    assert result.returncode == 65, result.stderr
    assert "diffusion_pytorch_model" in result.stderr


def break_numbers(folder):
    header, data = safetensors.read(folder / WEIGHTS)
    begin, end = header[first_matrix(header)]["data_offsets"]
    data[begin:end] = b"\xff" * (end - begin)  # NaN in every float type
    safetensors.write(folder / WEIGHTS, header, data)


def test_nan_weights_make_no_picture(folder, tmp_path):
    break_numbers(folder)
    result = generate(folder, tmp_path)
    assert result.returncode in (65, 70), result.stderr
    assert not (tmp_path / "out.png").exists()


def test_a_server_without_a_model_does_not_start(folder, tmp_path):
    (folder / WEIGHTS).unlink()
    file = tmp_path / "imagined.toml"
    file.write_text(f'[models.broken]\npath = "{folder}"\n')
    result = run("serve", "--config", file, "--data-dir", tmp_path / "data", "--http-listen", "127.0.0.1:0")
    assert result.returncode in (65, 66), result.stderr
    assert "safetensors" in result.stderr


def test_a_broken_model_leaves_the_others_alone(folder, start_server):
    break_numbers(folder)
    server = start_server("--set", f"models.broken.path={folder}")
    assert server.generate(model="broken").status_code >= 500
    assert server.generate(model="grok-imagine-image").status_code == 200


def test_show_says_of_every_part_where_it_lies_and_why(folder):
    shown = json.loads(run("models", "show", folder, "--json").stdout)
    assert [part["part"] for part in shown["files"]] == ["transformer", "text_encoder", "vae",
                                                         "tokenizer"]
    assert all(part["why"] and part["path"].startswith(str(folder)) for part in shown["files"])
    assert shown["distilled"] is False and shown["distilled_by"] == "model_index.json"
    assert shown["cached_references"] is False
    assert "house" in shown["draws"] and shown["card"]


def test_the_configuration_names_a_part(folder, tmp_path):
    (folder / "vae").rename(tmp_path / "elsewhere")
    named = ["--set", f"models.m.path={folder}", "--set", f"models.m.vae={tmp_path}/elsewhere"]
    shown = json.loads(run("models", "show", "m", "--json", *named).stdout)
    vae = next(part for part in shown["files"] if part["part"] == "vae")
    assert vae["why"] == "named by the configuration"


def test_generate_says_which_words_the_model_does_not_know(tmp_path):
    result = run("generate", "a red house and a skyline", "-o", tmp_path / "out.png", "--steps", "1",
                 "--json")
    assert result.returncode == 0, result.stderr
    assert 'note: this model knows no "skyline"; it draws ' in result.stderr
    report = json.loads(result.stdout)
    assert report["input_tokens"] > 6 and "skyline" in report["warnings"][0]
