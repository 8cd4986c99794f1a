"""`imagined models pull` against a hub on loopback."""

import json
import os
import pty
import resource
import signal
import subprocess
import threading

import pytest

from hub import COMMIT, LARGE, Hub
from program import BINARY, PAPERLAND, PROMPT, run, wait_until

NAME = "black-forest-labs/FLUX.2-klein-4B"
WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


def paperland_files():
    return {path.relative_to(PAPERLAND).as_posix(): path.read_bytes()
            for path in sorted(PAPERLAND.rglob("*")) if path.is_file()}


# A folder of the same shape, small enough to be fetched in no time.
SMALL = {"model_index.json": b'{"_class_name":"Flux2KleinPipeline"}',
         "LICENSE.md": b"do as you please",
         "README.md": b"a card",
         "teaser.png": bytes(LARGE),
         "flux-2-klein-4b.safetensors": bytes(3 * LARGE),
         "scheduler/scheduler_config.json": b"{}",
         "tokenizer/chat_template.jinja": b"{{ messages }}",
         "transformer/config.json": b"{}",
         WEIGHTS: bytes(range(256)) * 400}
WANTED = [path for path in SMALL if path not in ("README.md", "teaser.png",
                                                 "flux-2-klein-4b.safetensors")]


@pytest.fixture
def start_hub():
    started = []

    def start(files=SMALL, name=NAME, **options):
        started.append(Hub(name, files, **options))
        return started[-1]

    yield start
    for hub in started:
        hub.close()


def environment(hub, tmp_path, token=None):
    own = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return own | {"HOME": str(tmp_path), "HF_HOME": str(tmp_path)} | hub.environment(token)


def pull(hub, tmp_path, *arguments, model="klein-4b", token=None, **options):
    return run("models", "pull", model, "--dir", tmp_path / "models", *arguments,
               env=environment(hub, tmp_path, token), **options)


def folder_of(tmp_path):
    return tmp_path / "models/klein-4b"


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}


def test_from_nothing_to_a_picture(start_hub, tmp_path):
    hub = start_hub(paperland_files(), name="somebody/paperland")
    result = pull(hub, tmp_path, model="somebody/paperland")
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "models/paperland"
    assert contents(folder) == paperland_files()
    config = tmp_path / "imagined.toml"
    config.write_text(result.stdout)
    made = run("generate", PROMPT, "--config", config, "--model", "paperland", "--steps", 1, "-o",
               tmp_path / "out.png")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "out.png").stat().st_size > 1000


def test_what_a_model_is_made_of_comes_and_nothing_else(start_hub, tmp_path):
    hub = start_hub()
    result = pull(hub, tmp_path, "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["commit"] == COMMIT
    assert told["repository"] == NAME
    assert told["licence"] == "apache-2.0"
    assert told["bytes_total"] == sum(len(SMALL[path]) for path in WANTED)
    assert sorted(file["path"] for file in told["files"]) == sorted(WANTED)
    assert contents(folder_of(tmp_path)) == {path: SMALL[path] for path in WANTED}
    assert not (tmp_path / "models/klein-4b.partial").exists()
    assert "licence  apache-2.0" in result.stderr


def test_the_lines_for_the_configuration_say_what_the_makers_advise(start_hub, tmp_path):
    name = "black-forest-labs/FLUX.2-klein-base-4B"
    result = pull(start_hub(name=name), tmp_path, model="Klein-Base-4B")
    assert result.returncode == 0, result.stderr
    assert result.stdout == (f'[models.klein-base-4b]\npath = "{tmp_path}/models/klein-base-4b"\n'
                             "steps = 50\nguidance = 4.0\n")


def test_a_token_goes_to_the_hub_and_not_to_whom_it_leads(start_hub, tmp_path):
    hub = start_hub(gated=True)
    result = pull(hub, tmp_path, token=hub.accepted)
    assert result.returncode == 0, result.stderr
    assert all(headers.get("Authorization") == f"Bearer {hub.accepted}"
               for _, headers in hub.seen("hub"))
    assert len(hub.seen("cdn")) == 1
    assert all("Authorization" not in headers for _, headers in hub.seen("cdn"))


def test_the_token_that_the_hubs_own_tool_keeps_is_used(start_hub, tmp_path):
    hub = start_hub(gated=True)
    (tmp_path / "token").write_text(hub.accepted + "\n")
    assert pull(hub, tmp_path).returncode == 0


@pytest.mark.parametrize("token, words", [
    (None, ["accepted its licence", "/settings/tokens", "HF_TOKEN"]),
    ("hf_of_somebody_else", ["HF_TOKEN stands for may not read it yet"])])
def test_a_gated_model_says_how_its_licence_is_accepted(start_hub, tmp_path, token, words):
    hub = start_hub(gated=True)
    result = pull(hub, tmp_path, token=token)
    assert result.returncode == 1
    assert f"{hub.url}/{NAME}" in result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    assert "to be accepted on that page" in result.stderr
    assert "goes on from there" not in result.stderr  # nothing has come
    assert not folder_of(tmp_path).exists()


def test_a_broken_connection_is_taken_up_where_it_broke(start_hub, tmp_path):
    hub = start_hub()
    hub.cuts = [30_000, 20_000]
    result = pull(hub, tmp_path)
    assert result.returncode == 0, result.stderr
    assert [headers.get("Range") for _, headers in hub.seen("cdn")] == [
        None, "bytes=30000-", "bytes=50000-"]
    assert contents(folder_of(tmp_path))[WEIGHTS] == SMALL[WEIGHTS]


def stop_in_the_middle(hub, tmp_path, number):
    """A pull that has come to byte 32,000 of the weights when the signal is sent."""
    release = threading.Event()
    hub.stall = (40_000, release)
    process = subprocess.Popen(
        [str(BINARY), "models", "pull", "klein-4b", "--dir", str(tmp_path / "models")],
        env=environment(hub, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def has_come():
        partial = tmp_path / "models/klein-4b.partial"
        return sum(path.stat().st_size for path in partial.rglob("*.incomplete")) >= 32_000

    assert hub.stalled.wait(20)
    wait_until(has_come, "what the hub sent")
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    release.set()
    hub.stall = None
    assert not folder_of(tmp_path).exists()
    return process.returncode, out, err


def test_an_interrupted_pull_goes_on_later(start_hub, tmp_path):
    hub = start_hub()
    status, out, err = stop_in_the_middle(hub, tmp_path, signal.SIGINT)
    assert status == 130, err
    assert out == ""
    assert "goes on from there" in err
    again = pull(hub, tmp_path)
    assert again.returncode == 0, again.stderr
    (_, first), (_, second) = hub.seen("cdn")
    assert "Range" not in first
    assert int(second["Range"].strip("bytes=-")) >= 32_000
    assert contents(folder_of(tmp_path))[WEIGHTS] == SMALL[WEIGHTS]


def test_a_server_without_ranges_sends_it_all_again(start_hub, tmp_path):
    hub = start_hub()
    hub.cuts, hub.ignores_ranges = [30_000], True
    assert pull(hub, tmp_path).returncode == 0
    assert contents(folder_of(tmp_path))[WEIGHTS] == SMALL[WEIGHTS]


def test_a_wrong_beginning_from_a_killed_pull_is_thrown_away(start_hub, tmp_path):
    hub = start_hub()
    hub.wrong[WEIGHTS] = b"x" * len(SMALL[WEIGHTS])
    stop_in_the_middle(hub, tmp_path, signal.SIGKILL)
    hub.wrong = {}
    result = pull(hub, tmp_path)
    assert result.returncode == 0, result.stderr
    assert ["Range" in headers for _, headers in hub.seen("cdn")] == [False, True, False]
    assert contents(folder_of(tmp_path))[WEIGHTS] == SMALL[WEIGHTS]


@pytest.mark.parametrize("path", [WEIGHTS, "scheduler/scheduler_config.json"],
                         ids=["large", "small"])
def test_a_wrong_checksum_is_no_model(start_hub, tmp_path, path):
    hub = start_hub()
    hub.wrong[path] = b"x" * len(SMALL[path])
    result = pull(hub, tmp_path)
    assert result.returncode == 65
    assert path in result.stderr
    assert not folder_of(tmp_path).exists()
    hub.wrong = {}
    assert pull(hub, tmp_path).returncode == 0  # nothing of it was kept
    assert contents(folder_of(tmp_path))[path] == SMALL[path]


def test_more_bytes_than_the_file_has_are_refused(start_hub, tmp_path):
    hub = start_hub()
    hub.wrong[WEIGHTS] = SMALL[WEIGHTS] + b"and more"
    result = pull(hub, tmp_path)
    assert result.returncode == 75
    assert "more bytes came" in result.stderr


def test_a_file_that_the_disk_has_spoilt_is_fetched_again(start_hub, tmp_path):
    hub = start_hub()
    partial = tmp_path / "models/klein-4b.partial"
    (partial / "transformer").mkdir(parents=True)
    (partial / WEIGHTS).write_bytes(b"y" * len(SMALL[WEIGHTS]))
    assert pull(hub, tmp_path).returncode == 0
    assert contents(folder_of(tmp_path))[WEIGHTS] == SMALL[WEIGHTS]


def test_a_disk_without_room_is_said_before_anything_is_fetched(start_hub, tmp_path):
    hub = start_hub()
    result = pull(hub, tmp_path, "--keep-free", 1_000_000_000)
    assert result.returncode == 73
    assert "--keep-free" in result.stderr and "--dir" in result.stderr
    assert len(hub.seen("hub")) == 1
    assert not (tmp_path / "models").exists()


def no_file_above(size_bytes):
    """Writes beyond it fail as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def test_a_disk_that_fills_up_on_the_way_costs_nothing_that_has_come(start_hub, tmp_path):
    hub = start_hub()
    full = pull(hub, tmp_path, preexec_fn=lambda: no_file_above(50_000))
    assert full.returncode == 73, full.stderr
    assert "cannot be written" in full.stderr
    assert not folder_of(tmp_path).exists()
    assert pull(hub, tmp_path).returncode == 0
    assert hub.seen("cdn")[-1][1]["Range"].startswith("bytes=")
    assert contents(folder_of(tmp_path))[WEIGHTS] == SMALL[WEIGHTS]


def test_a_dry_run_fetches_nothing(start_hub, tmp_path):
    hub = start_hub()
    result = pull(hub, tmp_path, "--dry-run")
    assert result.returncode == 0, result.stderr
    assert WEIGHTS in result.stdout
    assert len(hub.seen("hub")) == 1
    assert not (tmp_path / "models").exists()


def test_a_model_that_is_there_is_fetched_no_second_time(start_hub, tmp_path):
    hub = start_hub()
    assert pull(hub, tmp_path).returncode == 0
    before = len(hub.seen("hub"))
    again = pull(hub, tmp_path, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["was_there"]
    assert len(hub.seen("hub")) == before + 1


def test_another_commit_or_a_strangers_folder_is_left_alone(start_hub, tmp_path):
    hub = start_hub()
    assert pull(hub, tmp_path).returncode == 0
    hub.commit = "0" * 40
    newer = pull(hub, tmp_path)
    assert newer.returncode == 1
    assert COMMIT in newer.stderr and "0" * 40 in newer.stderr
    (folder_of(tmp_path) / ".imagined-pull.json").unlink()
    strange = pull(hub, tmp_path)
    assert strange.returncode == 1
    assert "not from a pull" in strange.stderr


def test_a_revision_that_is_not_there_is_named(start_hub, tmp_path):
    result = pull(start_hub(), tmp_path, "--revision", "no-such")
    assert result.returncode == 66
    assert 'has no revision "no-such"' in result.stderr


def test_a_repository_that_is_not_there_is_said_to_be_so(start_hub, tmp_path):
    result = pull(start_hub(), tmp_path, model="nobody/nothing")
    assert result.returncode == 66
    assert "nobody/nothing" in result.stderr and "HF_TOKEN" in result.stderr


def test_a_repository_of_something_else_is_refused(start_hub, tmp_path):
    files = {path: data for path, data in SMALL.items() if path != "model_index.json"}
    result = pull(start_hub(files), tmp_path)
    assert result.returncode == 65
    assert "model_index.json" in result.stderr


def test_a_path_out_of_the_folder_is_refused(start_hub, tmp_path):
    result = pull(start_hub(SMALL | {"vae/../../../escaped.json": b"{}"}), tmp_path)
    assert result.returncode == 65
    assert "escaped" in result.stderr
    assert not (tmp_path / "models").exists()


def test_an_unknown_name_is_answered_with_the_near_one(start_hub, tmp_path):
    hub = start_hub()
    result = pull(hub, tmp_path, model="klein-4c")
    assert result.returncode == 66
    assert 'did you mean "klein-4b"' in result.stderr
    assert hub.requests == []


def test_an_address_that_is_none_is_said_by_the_name_of_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "nonsense")
    result = run("models", "pull", "klein-4b", "--dry-run", "--dir", tmp_path)
    assert result.returncode == 78
    assert 'HF_ENDPOINT is "nonsense", expected the address of a hub' in result.stderr


def test_a_hub_that_is_not_there_is_said_at_once(start_hub, tmp_path):
    hub = start_hub()
    hub.close()
    result = pull(hub, tmp_path)
    assert result.returncode == 69
    assert "127.0.0.1" in result.stderr


def test_a_hub_that_is_asked_too_often_says_so(start_hub, tmp_path):
    hub = start_hub()
    hub.answers = [429]
    result = pull(hub, tmp_path)
    assert result.returncode == 75
    assert "asked too often" in result.stderr


def test_two_pulls_of_one_model_do_not_meet(start_hub, tmp_path):
    hub = start_hub()
    release = threading.Event()
    hub.stall = (40_000, release)
    first = subprocess.Popen(
        [str(BINARY), "models", "pull", "klein-4b", "--dir", str(tmp_path / "models")],
        env=environment(hub, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert hub.stalled.wait(20)
    second = pull(hub, tmp_path)
    release.set()
    assert first.wait(20) == 0
    assert second.returncode == 69
    assert "another pull" in second.stderr
    assert contents(folder_of(tmp_path))[WEIGHTS] == SMALL[WEIGHTS]


def test_a_terminal_sees_how_far_it_is(start_hub, tmp_path):
    hub = start_hub()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(BINARY), "models", "pull", "klein-4b", "--dir", str(tmp_path / "models")],
        env=environment(hub, tmp_path), stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # how a terminal ends
    os.close(ours)
    assert process.wait(20) == 0
    assert b"LICENSE.md" in shown or b"config.json" in shown
    assert b"GB" in shown
