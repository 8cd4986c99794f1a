"""/v1/videos with the small random model that says it was trained for clips: what is on the frames is
noise (tests/golden shows that it is the model's), how it is asked for, made, paid and played is not."""

import base64
import json
import shutil
import sqlite3
import subprocess

import pytest
import requests

from clips import FRAMES_PER_SECOND, clip_model
from program import ROOT, Server, run, stopped, wait_until
from servers import openai_of
from test_edits import RED, data_url
from test_moderation import classifier

openai = pytest.importorskip("openai", reason="the openai package is not installed")
CLIPS = "clips"
MODERATION = "[categories.weapons]\nterms = [\"catapult*\"]\n"
SECOND_480P, SECOND_720P, GIVEN = 500_000_000, 700_000_000, 20_000_000  # ticks


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return clip_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def server(tmp_path_factory, model):
    values = {"path": model, "steps": 1, "price_second_usd": "0.05",
              "price_second_720p_usd": "0.07", "price_input_usd": "0.002"}
    arguments = [word for key, value in values.items()
                 for word in ("--set", f"models.{CLIPS}.{key}={value}")]
    with Server(tmp_path_factory.mktemp("videos"), *arguments) as running:
        yield running


def post(server, path, headers=None, **body):
    return requests.post(f"{server.url}/v1/videos/{path}", timeout=60,
                         headers=server.headers() | (headers or {}), json=body)


def look(server, request_id, key=None):
    return requests.get(f"{server.url}/v1/videos/{request_id}", timeout=60,
                        headers=server.headers(*[key] if key else []))


def finished(server, reply):
    """The last answer to who polls, and every progress that was told before it."""
    assert reply.status_code == 200, reply.text
    request_id = reply.json()["request_id"]
    told = []

    def done():
        answer = look(server, request_id)
        if answer.status_code == 202:
            body = answer.json()
            assert body["request_id"] == request_id and body["status"] == "pending"
            told.append(body["progress"])
            return None
        return answer

    answer = wait_until(done, "the video", seconds=120)
    assert answer.status_code == 200
    assert told == sorted(told) and all(0 <= each < 100 for each in told)
    return answer.json()


def file_of(done):
    reply = requests.get(done["video"]["url"], timeout=60)
    assert reply.status_code == 200 and reply.headers["content-type"] == "video/mp4"
    return reply.content


def shape_of(video, tmp_path):
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not here")
    path = tmp_path / "clip.mp4"
    path.write_bytes(video)
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries",
         "stream=width,height,nb_read_frames,duration", "-of", "json", path],
        capture_output=True, text=True, check=True)
    stream = json.loads(said.stdout)["streams"][0]
    return (stream["width"], stream["height"], int(stream["nb_read_frames"]),
            float(stream["duration"]))


@pytest.fixture(scope="module")
def made(server):
    """A second that begins with a red picture, and what was answered."""
    return finished(server, post(server, "generations", model=CLIPS, prompt="it grows",
                                 image={"url": data_url(RED)}, duration=1, seed=7))


def test_a_video_of_words_is_as_long_and_as_large_as_it_was_asked_for(server, tmp_path):
    done = finished(server, post(server, "generations", model=CLIPS, prompt="night falls",
                                 duration=2, aspect_ratio="9:16", resolution="480p"))
    assert done["status"] == "done" and done["progress"] == 100 and done["model"] == CLIPS
    assert done["video"]["duration"] == 2 and done["video"]["respect_moderation"] is True
    assert done["usage"]["cost_in_usd_ticks"] == 2 * SECOND_480P
    assert shape_of(file_of(done), tmp_path) == (480, 848, 2 * FRAMES_PER_SECOND, 2.0)


def test_a_video_that_begins_with_a_picture_has_its_shape(server, made, tmp_path):
    assert made["usage"]["cost_in_usd_ticks"] == SECOND_480P + GIVEN
    assert shape_of(file_of(made), tmp_path)[:2] == (720, 480)


def test_a_player_can_ask_for_any_part_of_the_file(server, made):
    whole = file_of(made)
    part = requests.get(made["video"]["url"], headers={"range": "bytes=4-11"}, timeout=60)
    assert part.status_code == 206 and part.content == whole[4:12]
    assert part.headers["content-range"] == f"bytes 4-11/{len(whole)}"
    assert whole[4:8] == b"ftyp"


def test_a_video_goes_on_in_front_of_what_is_added(server, made, tmp_path):
    longer = finished(server, post(server, "extensions", model=CLIPS, prompt="it starts to snow",
                                   video={"url": made["video"]["url"]}, duration="2"))
    assert longer["video"]["duration"] == 3
    assert longer["usage"]["cost_in_usd_ticks"] == 2 * SECOND_720P, "what was added"
    video = file_of(longer)
    assert shape_of(video, tmp_path) == (720, 480, 3 * FRAMES_PER_SECOND, 3.0)
    again = finished(server, post(server, "extensions", model=CLIPS, prompt="on", duration=1,
                                  video="data:video/mp4;base64," + base64.b64encode(video).decode()))
    assert again["video"]["duration"] == 4


def test_a_video_that_is_drawn_anew_keeps_its_length_and_shape(server, made, tmp_path):
    edited = finished(server, post(server, "edits", model=CLIPS, prompt="in blue",
                                   video={"url": made["video"]["url"]}))
    assert edited["video"]["duration"] == 1
    assert edited["usage"]["cost_in_usd_ticks"] == SECOND_720P, "9 s were held"
    assert shape_of(file_of(edited), tmp_path) == (720, 480, FRAMES_PER_SECOND, 1.0)


def given(name):
    """A video of tests/videos as a data URL."""
    return "data:video/mp4;base64," + base64.b64encode((ROOT / "tests/videos" / name).read_bytes()).decode()


def greys_of(video, tmp_path, seconds):
    """The level of the first frame from each of these times on."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not here")
    path = tmp_path / "clip.mp4"
    path.write_bytes(video)
    return [subprocess.run(
        ["ffmpeg", "-v", "error", "-ss", str(second), "-i", path, "-frames:v", "1", "-vf", "scale=1:1",
         "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True, check=True).stdout[0]
        for second in seconds]


def test_a_video_of_variable_rate_keeps_its_pace_in_front_of_what_is_added(server, tmp_path):
    longer = finished(server, post(server, "extensions", model=CLIPS, prompt="on", duration=1,
                                   video=given("variable.mp4")))
    video = file_of(longer)
    assert shape_of(video, tmp_path) == (64, 64, 57, 5.7)
    # Of twenty frames ten are shown in the first second, the eleventh for 0.4 s from there, ...
    greys = greys_of(video, tmp_path, [0.49, 1.29, 3.29, 4.59])
    assert greys == pytest.approx([16 + 8 * frame for frame in (5, 10, 15, 19)], abs=5)


def test_a_video_lasts_as_long_as_its_last_frame_is_held(server):
    edited = finished(server, post(server, "edits", model=CLIPS, prompt="in blue", video=given("held.mp4")))
    assert edited["video"]["duration"] == 5
    assert edited["usage"]["cost_in_usd_ticks"] == 6 * SECOND_720P, "5.1 s; 1.1 s by the times of decoding"


@pytest.mark.parametrize("path", ["extensions", "edits"])
def test_a_video_that_is_interlaced_fails_and_says_so(server, path):
    failed = finished(server, post(server, path, model=CLIPS, prompt="on", video=given("interlaced.mp4")))
    assert failed["status"] == "failed"
    assert failed["error"] == {
        "code": "invalid_argument",
        "message": "the video is coded as interlaced (frame_mbs_only_flag is 0); what is read is progressive (1)"}


def test_a_kept_file_may_be_given(server):
    kept = requests.post(f"{server.url}/v1/files", headers=server.headers(), timeout=60,
                         files={"file": ("red.png", RED)}, data={"purpose": "vision"}).json()
    done = finished(server, post(server, "generations", model=CLIPS, prompt="a", duration=1,
                                 input_reference={"file_id": kept["id"]}))
    assert done["status"] == "done"


def test_asked_again_with_its_idempotency_key_it_is_the_same_video(server):
    def ask():
        return post(server, "generations", {"idempotency-key": "v1"}, model=CLIPS, prompt="a",
                    duration=1)
    first = ask()
    assert ask().json() == first.json()
    assert finished(server, first)["status"] == "done"
    other = post(server, "generations", {"idempotency-key": "v1"}, model=CLIPS, prompt="b")
    assert other.status_code == 422


def test_without_a_model_the_first_that_makes_videos_is_asked(server):
    done = finished(server, post(server, "generations", prompt="a red car", duration=1))
    assert done["model"] == "grok-imagine-video"


def test_a_picture_that_cannot_be_read_fails_the_video_by_name_and_costs_nothing(server):
    done = finished(server, post(server, "generations", model=CLIPS, prompt="a",
                                 image={"url": "data:image/png;base64,aGVsbG8="}))
    assert done["status"] == "failed" and done["error"]["code"] == "invalid_argument"
    assert "image is" in done["error"]["message"] and "usage" not in done


@pytest.mark.parametrize("path, body, status, param", [
    ("generations", {}, 400, "prompt"),
    ("generations", {"prompt": "a", "duration": 16}, 400, "duration"),
    ("generations", {"prompt": "a", "duration": "long"}, 422, "duration"),
    ("generations", {"prompt": "a", "aspect_ratio": "21:9"}, 422, "aspect_ratio"),
    ("generations", {"prompt": "a", "resolution": "1080p"}, 422, "resolution"),
    ("generations", {"prompt": "a", "reference_images": [{"url": "https://a.example/b"}]}, 400,
     "reference_images"),
    ("generations", {"prompt": "a", "output": {"upload_url": "http://10.1.2.3/"}}, 400, "output.upload_url"),
    ("generations", {"prompt": "a", "output": {"upload_url": 7}}, 422, "output.upload_url"),
    ("generations", {"prompt": "a", "storage_options": {}}, 400, "storage_options.filename"),
    ("generations", {"prompt": "a", "storage_options": {"filename": "a", "expires_after": 1}}, 400,
     "storage_options.expires_after"),
    ("generations", {"prompt": "a", "video": {"url": "https://a.example/b"}}, 400, "video"),
    ("generations", {"prompt": "a", "image": {"url": "data:image/png;base64,#"}}, 400, "image"),
    ("generations", {"prompt": "a", "model": "no-such-model"}, 404, "model"),
    ("extensions", {"prompt": "a"}, 400, "video"),
    ("extensions", {"prompt": "a", "video": {"file_id": "file_none"}}, 400, "video"),
    ("edits", {"video": {"url": "https://a.example/b"}}, 400, "prompt"),
])
def test_what_is_wrong_is_said_by_name_at_once(server, path, body, status, param):
    reply = post(server, path, **({"model": CLIPS} | body))
    assert reply.status_code == status, reply.text
    assert reply.json()["error"]["param"] == param


def test_what_is_not_done_is_said_in_the_reply_too(server):
    reply = post(server, "generations", model=CLIPS, prompt="a", duration=1, bogus=1)
    assert reply.json()["warnings"] == ['"bogus": not known here and ignored']
    assert reply.headers["x-imagined-warning"] == '"bogus": not known here and ignored'
    request_id = reply.json()["request_id"]
    seen = look(server, request_id)
    assert seen.json()["warnings"] == reply.json()["warnings"], "whatever has become of it"
    assert seen.headers["x-imagined-warning"] == reply.headers["x-imagined-warning"]
    assert finished(server, reply)["warnings"] == reply.json()["warnings"]
    assert look(server, request_id).headers["x-imagined-warning"] == reply.headers["x-imagined-warning"]


def test_what_was_not_done_is_said_of_a_video_that_failed_too(server):
    reply = post(server, "generations", model=CLIPS, prompt="a", bogus=1,
                 image={"url": "data:image/png;base64,aGVsbG8="})
    failed = finished(server, reply)
    assert failed["status"] == "failed"
    assert failed["warnings"] == ['"bogus": not known here and ignored']


def test_a_video_of_another_team_or_of_nobody_is_not_there(server):
    nobodys = look(server, "01a2230d-0fc6-72a2-998b-a0c34ff64e5d")
    assert nobodys.status_code == 404
    assert nobodys.json()["error"]["message"] == 'there is no video "01a2230d-0fc6-72a2-998b-a0c34ff64e5d"'
    picture = requests.post(f"{server.url}/v1/images/generations", headers=server.headers(),
                            json={"prompt": "a", "model": CLIPS, "deferred": True}, timeout=60)
    assert look(server, picture.json()["request_id"]).status_code == 404


def test_a_video_that_is_cancelled_fails_and_costs_nothing(server):
    asked = [post(server, "generations", model=CLIPS, prompt="a", duration=15).json()["request_id"]
             for _ in range(2)]
    for request_id in reversed(asked):
        gone = requests.delete(f"{server.url}/v1/videos/{request_id}", timeout=60,
                               headers=server.headers())
        assert gone.status_code == 200, gone.text
        assert gone.json()["status"] == "failed"
        assert look(server, request_id).json()["error"]["message"] == "the job was cancelled"


def test_a_key_needs_the_scope(server):
    key = server.make_key("--scopes", "image:generate,image:edit")["key"]
    reply = requests.post(f"{server.url}/v1/videos/generations", json={"prompt": "a"}, timeout=60,
                          headers=server.headers(key))
    assert reply.status_code in (401, 403)


def test_the_lists_say_which_model_makes_videos(server):
    models = requests.get(f"{server.url}/v1/video-generation-models", headers=server.headers(),
                          timeout=60).json()["models"]
    assert [(each["id"], each["output_modalities"]) for each in models] == [
        ("grok-imagine-video", ["video"]), ("grok-imagine-video-1.5", ["video"]), (CLIPS, ["image", "video"])]
    assert models[2]["video_second_price"] == SECOND_480P


def test_a_video_may_be_av1_and_goes_on_as_such(tmp_path, model):
    with Server(tmp_path / "data", "--set", f"models.{CLIPS}.path={model}", "--set", f"models.{CLIPS}.steps=1",
                "--video-codec", "av1") as running:
        made = finished(running, post(running, "generations", model=CLIPS, prompt="it grows", duration=1))
        longer = finished(running, post(running, "extensions", model=CLIPS, prompt="on", duration=1,
                                        video={"url": made["video"]["url"]}))
        video = file_of(longer)
    assert b"av01" in video[:64] and b"avc1" not in video[:1024]
    assert shape_of(video, tmp_path) == (848, 480, 2 * FRAMES_PER_SECOND, 2.0)


@pytest.mark.parametrize("name, made_by, price", [
    ("grok-imagine-video", "grok-imagine-video", 2 * SECOND_480P),
    ("grok-imagine-video-1.5-preview", "grok-imagine-video-1.5", 1_600_000_000)])
def test_the_built_in_model_makes_clips_under_the_names_of_the_api(server, tmp_path, name, made_by, price):
    done = finished(server, post(server, "generations", model=name, duration=2,
                                 prompt="a house in a meadow, it starts to snow"))
    assert (done["model"], done["usage"]["cost_in_usd_ticks"]) == (made_by, price)
    assert shape_of(file_of(done), tmp_path) == (848, 480, 8, 2.0)


def test_a_model_that_makes_pictures_says_so_and_names_one_for_videos(server):
    reply = post(server, "generations", prompt="a", model="grok-imagine-image")
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == (
        'model: "grok-imagine-image" makes no videos; "grok-imagine-video" does')


def test_a_model_that_makes_videos_says_so_and_names_one_for_pictures(server):
    name = "grok-imagine-video"
    said = [requests.post(f"{server.url}/v1/{path}", timeout=60, headers=server.headers(),
                          json={"model": name, **body}).json()["error"]["message"] for path, body in [
        ("images/generations", {"prompt": "a"}),
        ("images/edits", {"prompt": "a", "image": {"url": data_url(RED)}}),
        ("chat/completions", {"messages": [{"role": "user", "content": "a"}]}),
        ("responses", {"input": "a"})]]
    assert set(said) == {f'model: "{name}" makes no pictures; "grok-imagine-image" does'}, said


def test_models_stand_on_the_list_of_what_they_make_and_nowhere_else(server):
    for kind, makes, other in [("image", "grok-imagine-image", "grok-imagine-video"),
                               ("video", "grok-imagine-video", "grok-imagine-image")]:
        listed = {each["id"] for each in server.get(f"/v1/{kind}-generation-models").json()["models"]}
        assert makes in listed and other not in listed
        assert server.get(f"/v1/{kind}-generation-models/{makes}").json()["id"] == makes
        refused = server.get(f"/v1/{kind}-generation-models/{other}")
        assert refused.status_code == 404 and "makes no" in refused.json()["error"]["message"]


def test_a_model_for_videos_that_stands_first_is_nobodys_choice_for_pictures(tmp_path, model):
    config = tmp_path / "imagined.toml"
    config.write_text(f'[models.clips]\npath = "{model}"\nmakes = "videos"\nprice_second_usd = "0.05"\n'
                      f'[models.grok-imagine-image]\nprice_usd = "0.02"\n')
    with Server(tmp_path / "data", "--config", config) as running:
        assert [each["id"] for each in running.get("/v1/models").json()["data"]][0] == "clips"
        made = running.generate(prompt="a house")
        assert made.json()["usage"]["cost_in_usd_ticks"] == 200_000_000, made.text


def test_a_refused_request_counts_for_the_model_that_would_have_been_asked(server):
    key = server.make_key("--per-second", 1)["key"]
    refused = [post(server, "generations", {"Authorization": f"Bearer {key}"}, prompt="a", duration=0)
               for _ in range(3)]
    limited = [each for each in refused if each.status_code == 429]
    assert limited and "this key and model grok-imagine-video." in limited[0].text


def test_where_no_model_was_trained_for_clips_that_is_said(tmp_path):
    pictures = ROOT / "tests/golden/a4"
    with Server(tmp_path, "--set", f"models.grok-imagine-video.path={pictures}",
                "--set", f"models.grok-imagine-video-1.5.path={pictures}") as running:
        reply = post(running, "generations", prompt="a", model="grok-imagine-video")
        assert reply.status_code == 400
        assert reply.json()["error"]["message"] == (
            'model: "grok-imagine-video" makes no videos, and no other model of this server does')


def test_openai_asks_and_looks_until_the_video_is_there(server, tmp_path):
    """Its own `videos.create` is of another API; what it posts and retrieves is this one's."""
    with openai_of(server) as client:
        asked = client.post("/videos/generations", cast_to=object,
                            body={"model": CLIPS, "prompt": "night falls", "duration": 1})
        told = []

        def done():
            told.append(client.videos.retrieve(asked["request_id"]))
            return told[-1] if told[-1].status != "pending" else None

        video = wait_until(done, "the video", seconds=120)
        assert all(0 <= each.progress < 100 for each in told[:-1])
        assert (video.status, video.progress, video.model) == ("done", 100, CLIPS)
        assert file_of({"video": video.model_extra["video"]})[4:8] == b"ftyp"
        with pytest.raises(openai.NotFoundError, match="/v1/videos/generations"):
            client.videos.create(model=CLIPS, prompt="night falls")
        with pytest.raises(openai.NotFoundError, match="video.url"):
            client.videos.download_content(asked["request_id"])


def killed_at_work(server):
    """A video whose worker was killed while it made it."""
    while True:
        asked = post(server, "generations", model=CLIPS, prompt="a", duration=4)
        server.wait_for_state("running")
        with stopped(server.worker_pid()):
            if server.job_states()[-1] == "running":
                server.kill_worker()
                return asked.json()["request_id"]


def test_a_worker_that_dies_costs_one_try_and_no_video(tmp_path, model):
    with Server(tmp_path, "--set", f"models.{CLIPS}.path={model}", "--set", f"models.{CLIPS}.steps=8",
                "--set", f"models.{CLIPS}.price_second_usd=0.05") as running:
        request_id = killed_at_work(running)
        done = wait_until(lambda: (answer := look(running, request_id)).status_code == 200 and answer,
                          "the video", seconds=120)
        assert done.json()["video"]["duration"] == 4
        assert running.query("SELECT attempt FROM jobs WHERE id = ?", request_id) == [(2,)]
        assert running.query("SELECT outcome FROM charges WHERE id = ?", request_id) == [("delivered",)]


def test_limits_hold_as_for_pictures(server):
    key = server.make_key("--per-second", 1000, "--per-minute", 1)["key"]
    first, refused = (post(server, "generations", server.headers(key), model=CLIPS, prompt="a", duration=1)
                      for _ in range(2))
    assert finished(server, first)["status"] == "done"
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) <= 60
    few = server.make_key("--pictures-per-day", 2)["key"]  # a second counts as one
    beyond = post(server, "generations", server.headers(few), model=CLIPS, prompt="a", duration=3)
    assert beyond.status_code == 429 and beyond.json()["error"]["code"] == "insufficient_quota"
    assert "x-ratelimit-remaining-requests" in first.headers


def test_what_moderation_refuses_is_never_made(server, tmp_path, model):
    (tmp_path / "moderation.toml").write_text(MODERATION)
    with Server(tmp_path / "data", "--set", f"models.{CLIPS}.path={model}", "--moderation-file",
                tmp_path / "moderation.toml") as running:
        reply = post(running, "generations", prompt="a catapult")
        assert reply.status_code == 400
        assert reply.json()["code"] == "imagine:content-moderated"


def test_who_asks_so_is_given_the_video_that_was_made_before(server):
    body = {"model": CLIPS, "prompt": "once", "duration": 1, "seed": 3}
    first = post(server, "generations", {"x-cache": "use"}, **body)
    again = post(server, "generations", {"x-cache": "use"}, **body)
    assert first.headers["x-cache"] == "miss"
    # Of one in the making nobody knows yet whether it will come.
    assert again.headers["x-cache"] == "miss" or look(server, first.json()["request_id"]).status_code == 200
    done = [finished(server, each) for each in (first, again)]
    assert all(each["status"] == "done" for each in done)
    hit = post(server, "generations", {"x-cache": "use"}, **body)
    assert hit.headers["x-cache"] == "hit"
    assert hit.json()["request_id"] in (first.json()["request_id"], again.json()["request_id"])
    assert finished(server, hit)["status"] == "done"
    assert post(server, "generations", **body).headers["x-cache"] == "bypass"
    other = post(server, "generations", {"x-cache": "use"}, **(body | {"seed": 4}))
    assert other.headers["x-cache"] == "miss"
    assert server.query("SELECT pictures, paid_pictures, cost_usd_ticks FROM charges"
                        " WHERE outcome = 'cached'") == [(1, 1, 0)]


def test_a_hit_may_be_paid_in_full(tmp_path, model):
    with Server(tmp_path, "--set", f"models.{CLIPS}.path={model}", "--cache-hits", "full",
                "--set", f"models.{CLIPS}.price_second_usd=0.05") as running:
        body = {"model": CLIPS, "prompt": "once", "duration": 2}
        finished(running, post(running, "generations", {"x-cache": "use"}, **body))
        assert post(running, "generations", {"x-cache": "use"}, **body).headers["x-cache"] == "hit"
        assert running.query("SELECT outcome, cost_usd_ticks FROM charges ORDER BY created_ms, id") == [
            ("delivered", 2 * SECOND_480P), ("cached", 2 * SECOND_480P)]
        assert run("usage", "--check", "--data-dir", running.data_dir).returncode == 0


def test_a_video_may_become_a_file_too(server):
    options = {"filename": "snow.mp4", "expires_after": 3600, "public_url": True}
    asked = {"model": CLIPS, "prompt": "it snows", "duration": 1, "storage_options": options}
    reply = post(server, "generations", {"x-cache": "use"}, **asked)
    assert reply.headers["x-cache"] == "bypass", "a file is this order's own"
    done = finished(server, reply)
    kept = done["video"]["file_output"]
    assert kept["filename"] == "snow.mp4" and kept["expires_at"] > 0
    video = file_of(done)
    assert requests.get(kept["public_url"], timeout=60).content == video
    content = requests.get(f"{server.url}/v1/files/{kept['file_id']}/content", headers=server.headers(), timeout=60)
    assert content.content == video
    # One file, however often it is looked at.
    assert look(server, done["request_id"]).json()["video"]["file_output"] == kept
    listed = requests.get(f"{server.url}/v1/files", headers=server.headers(), timeout=60).json()["data"]
    assert [each["filename"] for each in listed].count("snow.mp4") == 1


def test_a_video_that_is_not_kept_any_more_has_expired(server):
    request_id = post(server, "generations", {"x-cache": "use"}, model=CLIPS, prompt="soon gone",
                      duration=1).json()["request_id"]
    wait_until(lambda: look(server, request_id).status_code == 200, "the video", 60)
    with sqlite3.connect(f"{server.data_dir}/imagined.db", timeout=10) as database:
        database.execute("DELETE FROM pictures WHERE job_id = ?", (request_id,))
    gone = look(server, request_id)
    assert gone.status_code == 200
    assert gone.json() == {"request_id": request_id, "status": "expired"}
    anew = post(server, "generations", {"x-cache": "use"}, model=CLIPS, prompt="soon gone", duration=1)
    assert anew.headers["x-cache"] == "miss" and anew.json()["request_id"] != request_id


def test_a_video_that_is_refused_when_it_was_made_is_marked_and_costs_nothing(tmp_path, model):
    with classifier("picture", "violence") as url, \
            Server(tmp_path, "--set", f"models.{CLIPS}.path={model}", "--moderation-url", url,
                   "--moderation-pictures", "on",
                   "--set", f"models.{CLIPS}.price_second_usd=0.05") as running:
        done = finished(running, post(running, "generations", model=CLIPS, prompt="a", duration=2))
        assert done["status"] == "done"
        assert done["video"] == {"url": "", "duration": 0, "respect_moderation": False}
        assert done["usage"]["cost_in_usd_ticks"] == 0
        assert running.query("SELECT outcome, cost_usd_ticks FROM charges") == [("picture_blocked", 0)]
        assert running.query("SELECT count(*) FROM pictures") == [(0,)]


def slowed(video):
    """The same frames, each shown more than twice as long: the unit of their time is another."""
    at = video.index(b"mdhd") + 16
    unit = int.from_bytes(video[at:at + 4], "big")
    return video[:at] + (unit * 2 // 5).to_bytes(4, "big") + video[at + 4:]


def test_the_longest_video_and_what_is_beyond_it(server, tmp_path):
    """15 s are passes one after the other; an extension takes what has at most 30 s."""
    longest = finished(server, post(server, "generations", model=CLIPS, prompt="a", duration=15,
                                    aspect_ratio="1:1"))
    assert longest["video"]["duration"] == 15
    assert longest["usage"]["cost_in_usd_ticks"] == 15 * SECOND_480P
    video = file_of(longest)
    assert shape_of(video, tmp_path) == (480, 480, 15 * FRAMES_PER_SECOND, 15.0)
    slow = "data:video/mp4;base64," + base64.b64encode(slowed(video)).decode()
    for path, most in (("extensions", "30"), ("edits", "8.7")):
        beyond = finished(server, post(server, path, model=CLIPS, prompt="on", video=slow))
        assert beyond["status"] == "failed"
        assert beyond["error"]["message"].endswith(f"expected 0.1 to {most} s"), beyond


def test_the_books_hold_after_all_of_it(server):
    said = run("usage", "--check", "--data-dir", server.data_dir)
    assert said.returncode == 0, said.stdout + said.stderr
