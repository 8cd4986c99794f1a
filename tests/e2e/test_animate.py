"""`imagined animate`: a video of a small random model that says it was trained for clips, read back,
and played in a browser. What is on the frames is noise; that they are the model's is shown by
tests/golden."""

import http.server
import json
import queue
import shutil
import subprocess
import threading
import urllib.parse

import pytest

from clips import FRAMES_PER_SECOND, clip_model
from program import ROOT, run

PLAYER = b"""<video muted autoplay src="clip.mp4"></video><script>
const video = document.querySelector('video');
const say = (text) => fetch('/said?' + encodeURIComponent(text));
video.onerror = () => say('error: ' + video.error.message);
video.ontimeupdate = () => {
  if (video.currentTime > 0.5)
    say(`played ${video.videoWidth} x ${video.videoHeight} of ${video.duration} s`);
};
</script>"""


class Player(http.server.BaseHTTPRequestHandler):
    """A page with a video, and what it says of how it plays."""

    def do_GET(self):
        path, _, said = self.path.partition("?")
        body, kind = {"/clip.mp4": (self.server.clip, "video/mp4"),
                      "/": (PLAYER, "text/html")}.get(path, (b"", "text/plain"))
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if path == "/said":
            self.server.said.put(urllib.parse.unquote(said))

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return clip_model(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def picture(model):
    path = model.parent / "picture.png"
    made = run("generate", "a house", "--model", model, "--aspect-ratio", "3:4", "-o", path)
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture(scope="module")
def clip(model, picture):
    """Two seconds that begin with the picture, and the report."""
    path = model.parent / "clip.mp4"
    made = run("animate", "the house grows", "--image", picture, "--model", model, "--seconds", 2,
               "--seed", 7, "--json", "-o", path)
    assert made.returncode == 0, made.stderr
    return path, json.loads(made.stdout)


def test_the_report_says_what_was_written(clip):
    path, report = clip
    assert report["path"] == str(path) and report["size_bytes"] == path.stat().st_size
    assert (report["width"], report["height"]) == (480, 640)  # the picture's shape
    assert (report["frames"], report["frames_per_second"]) == (10, FRAMES_PER_SECOND)
    assert report["seed"] == 7


def test_the_same_seed_gives_the_same_file(clip, model, picture, tmp_path):
    again = run("animate", "the house grows", "--image", picture, "--model", model, "--seconds", 2,
                "--seed", 7, "--threads", 1, "-o", tmp_path / "again.mp4")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.mp4").read_bytes() == clip[0].read_bytes()


def test_the_file_says_how_it_was_made(clip, model, tmp_path):
    written = clip[0].read_bytes()
    assert b'imagined:Seed="7"' in written and b"DigitalSourceType" in written
    plain = tmp_path / "plain.mp4"
    made = run("animate", "a house", "--model", model, "--seconds", 1, "--picture-metadata", "off",
               "-o", plain)
    assert made.returncode == 0, made.stderr
    assert b"DigitalSourceType" not in plain.read_bytes()


def test_words_alone_are_enough(model, tmp_path):
    made = run("animate", "a house", "--model", model, "--seconds", 1, "--aspect-ratio", "1:1",
               "-o", tmp_path / "house.mp4")
    assert made.returncode == 0, made.stderr
    assert "480 x 480, 5 frames at 5 a second" in made.stderr
    assert made.stdout.strip() == str(tmp_path / "house.mp4")


def test_ffmpeg_decodes_it(clip):
    if not shutil.which("ffprobe"):
        pytest.skip("there is no ffprobe here")
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries",
         "stream=codec_name,width,height,nb_read_frames,duration", "-of", "json", clip[0]],
        capture_output=True, text=True, check=True)
    assert said.stderr == ""
    (stream,) = json.loads(said.stdout)["streams"]
    assert stream == {"codec_name": "h264", "width": 480, "height": 640, "duration": "2.000000",
                      "nb_read_frames": "10"}


def test_a_browser_plays_it(clip, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        pytest.skip("there is no chromium here")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Player) as server:
        server.clip, server.said = clip[0].read_bytes(), queue.Queue()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shown = subprocess.Popen(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-proxy-server", "--autoplay-policy=no-user-gesture-required",
             "--remote-debugging-port=0", f"--user-data-dir={tmp_path / 'profile'}",
             f"http://127.0.0.1:{server.server_port}/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert server.said.get(timeout=120) == "played 480 x 640 of 2 s"
        finally:
            shown.terminate()
            shown.wait(timeout=60)
            server.shutdown()


def test_it_goes_on_from_a_video(clip, model, tmp_path):
    longer = tmp_path / "longer.mp4"
    made = run("animate", "night falls", "--video", clip[0], "--model", model, "--seconds", 1,
               "--json", "-o", longer)
    assert made.returncode == 0, made.stderr
    report = json.loads(made.stdout)
    assert (report["width"], report["height"]) == (480, 640)
    assert (report["frames"], report["frames_per_second"]) == (10 + 5, FRAMES_PER_SECOND)
    again = run("animate", "night falls", "--video", longer, "--model", model, "--seconds", 1,
                "--json", "-o", tmp_path / "longest.mp4")
    assert json.loads(again.stdout)["frames"] == 10 + 5 + 5


def test_it_keeps_the_speed_of_a_faster_video(model, tmp_path):
    if not shutil.which("ffmpeg"):
        pytest.skip("there is no ffmpeg here")
    given = tmp_path / "given.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                    "testsrc=size=128x96:rate=24:duration=1", "-pix_fmt", "yuv420p", given],
                   check=True)
    made = run("animate", "night falls", "--video", given, "--model", model, "--seconds", 1,
               "--json", "-o", tmp_path / "longer.mp4")
    assert made.returncode == 0, made.stderr
    report = json.loads(made.stdout)
    assert (report["width"], report["height"]) == (128, 96)
    assert (report["frames"], report["frames_per_second"]) == (48, 24)


@pytest.mark.parametrize("arguments, status, said", [
    (["--model", ROOT / "tests/golden/a4"], 65, 'model "a4" makes no videos: it was not trained for clips'),
    (["--model", "grok-imagine-image"], 65,
     'model "grok-imagine-image" makes no videos: its `makes` is "pictures"; "grok-imagine-video" does'),
    (["-o", "clip.avi"], 64, '"clip.avi" does not end in .mp4'),
    (["--seconds", 16], 64, "seconds"),
    (["--aspect-ratio", "21:9"], 65, "1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3"),
    (["--resolution", "1080p"], 65, "480p, 720p"),
    (["--image", "no-such-file.png"], 66, "no-such-file.png"),
    (["--image", __file__], 65, "test_animate.py"),
    (["--json", "-o", "-"], 64, "stdout takes a video only"),
    (["--video", "no-such-file.mp4"], 66, "no-such-file.mp4"),
    (["--video", __file__], 65, "test_animate.py: the video is not an MP4 file"),
    (["--video", "x.mp4", "--resolution", "720p"], 65, "has its size"),
])
def test_what_cannot_be_done_is_said(model, tmp_path, arguments, status, said):
    if "-o" not in arguments:
        arguments = ["-o", tmp_path / "clip.mp4", *arguments]
    if "--model" not in arguments:
        arguments = ["--model", model, *arguments]
    ended = run("animate", "a house", *arguments)
    assert ended.returncode == status, ended.stderr
    assert said in ended.stderr
    assert not list(tmp_path.iterdir())


def test_a_model_for_videos_makes_no_pictures(tmp_path):
    ended = run("generate", "a house", "--model", "grok-imagine-video", "-o", tmp_path / "house.png")
    assert ended.returncode == 65
    assert ('model "grok-imagine-video" makes no pictures: its `makes` is "videos"; "grok-imagine-image" does'
            in ended.stderr)
    config = tmp_path / "imagined.toml"
    config.write_text(f'[models.clips]\npath = "{ROOT / "models/paperland"}"\nmakes = "videos"\n')
    ended = run("generate", "a house", "--config", config, "-o", tmp_path / "house.png")
    assert ended.returncode == 65
    assert 'makes no pictures: its `makes` is "videos", and no other model here makes any' in ended.stderr
    assert not (tmp_path / "house.png").exists()
