"""Wan by the command and by a server, with the small random FastWan of tests/golden: what is on the
frames is noise, which tests/golden shows to be the model's."""

import json

import pytest
import requests

from program import ROOT, Server, run, wait_until
from test_edits import RED, data_url

FAST = ROOT / "tests/golden/d2"


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("wan") / "picture.png"
    made = run("generate", "a house", "--model", FAST, "--aspect-ratio", "16:9", "-o", path)
    assert made.returncode == 0, made.stderr
    return path


def test_a_first_frame_becomes_a_second_of_24_frames(picture, tmp_path):
    made = run("animate", "night falls", "--image", picture, "--model", FAST, "--seconds", 1,
               "--seed", 7, "--json", "-o", tmp_path / "clip.mp4", timeout=300)
    assert made.returncode == 0, made.stderr
    report = json.loads(made.stdout)
    assert (report["width"], report["height"]) == (848, 480)
    assert (report["frames"], report["frames_per_second"]) == (24, 24)


def test_show_says_what_videos_take():
    shown = run("models", "show", FAST, "--json", timeout=300)
    assert shown.returncode == 0, shown.stderr
    said = json.loads(shown.stdout)
    assert (said["family"], said["clip_frames_per_second"], said["default_steps"]) == ("wan", 24, 3)
    assert [(clip["width"], clip["height"]) for clip in said["clips"]] == [(848, 480), (1280, 720)]
    small, large = said["clips"]
    assert 0 < small["working_bytes"] < large["working_bytes"]
    assert 0 < small["seconds"] < large["seconds"]
    assert "848 x 480, 5 s" in run("models", "show", FAST, timeout=300).stdout


def test_show_says_nothing_of_videos_of_a_model_that_makes_none():
    said = json.loads(run("models", "show", ROOT / "tests/golden/a4", "--json", timeout=300).stdout)
    assert said["clips"] == []


def test_a_server_makes_a_video_of_a_picture(tmp_path):
    with Server(tmp_path / "data", "--set", f"models.clips.path={FAST}") as server:
        reply = requests.post(
            f"{server.url}/v1/videos/generations", timeout=60, headers=server.headers(),
            json={"prompt": "night falls", "duration": 1, "image": {"url": data_url(RED)}})
        assert reply.status_code == 200, reply.text

        def done():
            answer = requests.get(f"{server.url}/v1/videos/{reply.json()['request_id']}",
                                  timeout=60, headers=server.headers())
            return None if answer.status_code == 202 else answer

        answer = wait_until(done, "the video", seconds=300)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert said["status"] == "done", said
        assert said["video"]["duration"] == 1
        written = requests.get(said["video"]["url"], timeout=60)
        assert written.status_code == 200 and written.content[4:8] == b"ftyp"
