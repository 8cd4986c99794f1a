"""xAI's `output.upload_urls`: finished pictures are sent to where their customer wants them."""

import concurrent.futures
import http.server
import select
import threading

import pytest
import requests

from clips import clip_model
from program import PROMPT, Server, wait_until
from test_edits import png

PICTURE = png(64, 64, (200, 30, 30))


class Bucket(http.server.BaseHTTPRequestHandler):
    """Keeps what is put under /kept, and refuses the rest."""

    kept = {}
    asked = []
    release = threading.Event()  # what is put under /kept/held waits for it
    lock = threading.Lock()
    held, held_most = [], 0  # connections that wait, and how many at most

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PICTURE)))
        self.end_headers()
        self.wfile.write(PICTURE)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Bucket.asked.append(self.path)
        if self.path.startswith("/kept/held"):
            with Bucket.lock:  # without those that were given up
                given_up = select.select(Bucket.held, [], [], 0)[0]
                Bucket.held = [each for each in Bucket.held if each not in given_up] + [self.connection]
                Bucket.held_most = max(Bucket.held_most, len(Bucket.held))
            Bucket.release.wait(25)
            with Bucket.lock:
                Bucket.held = [each for each in Bucket.held if each is not self.connection]
        is_kept = self.path.startswith("/kept")
        if is_kept:
            Bucket.kept[self.path] = (self.headers["Content-Type"], body)
        self.send_response(201 if is_kept else 403)
        self.send_header("Content-Length", "9")
        self.end_headers()
        self.wfile.write(b"whatever\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def bucket():
    Bucket.kept, Bucket.asked, Bucket.release = {}, [], threading.Event()
    Bucket.held, Bucket.held_most = [], 0
    with http.server.ThreadingHTTPServer(("", 0), Bucket) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        Bucket.release.set()
        listening.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("uploads"), "--fetch-allow", "127.0.0.0/8") as running:
        yield running


def test_each_picture_is_put_to_its_own_address(server, bucket):
    urls = [f"{bucket}/kept/{i}?signature=s" for i in range(2)]
    reply = server.generate(n=2, output_format="png", output={"upload_urls": urls})
    assert reply.status_code == 200, reply.text
    assert [entry["url"] for entry in reply.json()["data"]] == urls
    assert sorted(Bucket.kept) == ["/kept/0?signature=s", "/kept/1?signature=s"]
    for kind, body in Bucket.kept.values():
        assert kind == "image/png" and body.startswith(b"\x89PNG")
    assert "signature" not in server.log_text()


def test_what_was_not_taken_is_still_to_be_had_here(server, bucket):
    reply = server.generate(n=2, output={"upload_urls": [f"{bucket}/refused", f"{bucket}/kept"]})
    first, second = reply.json()["data"]
    assert first["upload_error"] == "the picture could not be sent to its upload URL: it answered with status 403"
    assert requests.get(first["url"], timeout=10).content.startswith(b"\xff\xd8")
    assert second["url"] == f"{bucket}/kept" and "upload_error" not in second


def test_who_says_late_that_it_has_a_picture_is_waited_for(server, bucket):
    threading.Timer(6, Bucket.release.set).start()
    reply = server.generate(output={"upload_urls": [f"{bucket}/kept/held"]})
    assert reply.json()["data"][0]["url"] == f"{bucket}/kept/held", reply.text


def test_a_retry_sends_the_same_pictures_again(server, bucket):
    def ask(name):
        return requests.post(f"{server.url}/v1/images/generations", timeout=60,
                             headers=server.headers() | {"Idempotency-Key": "sent-again"},
                             json={"prompt": PROMPT, "output": {"upload_urls": [f"{bucket}/kept/{name}"]}})
    assert [ask(name).status_code for name in ("a", "b")] == [200, 200]
    assert Bucket.kept["/kept/a"] == Bucket.kept["/kept/b"]


@pytest.mark.parametrize("body, status, says", [
    ({"output": {"upload_urls": ["https://a.example/1", "https://a.example/2"]}}, 400,
     "output.upload_urls has 2 addresses for 1 pictures"),
    ({"output": {"upload_urls": ["ftp://a.example/1"]}}, 400, "output.upload_urls[0]: "),
    ({"output": {"upload_urls": ["http://10.1.2.3/"]}}, 400, "not public"),
    ({"output": {"upload_urls": "https://a.example/1"}}, 422, "output.upload_urls: expected a list"),
    ({"output": {"upload_url": "https://a.example/1"}}, 400, "output.upload_url: not offered"),
    ({"output": {"upload_urls": ["https://a.example/1"]}, "stream": True}, 400, "output: "),
    ({"output": {"upload_urls": ["https://a.example/1"]}, "response_format": "b64_json"}, 400, "output: "),
    ({"output": 7}, 422, "output: expected an object"),
])
def test_what_cannot_be_sent_is_refused_before_the_work(server, body, status, says):
    jobs = len(server.job_states())
    reply = server.generate(**body)
    assert reply.status_code == status, reply.text
    assert says in reply.json()["error"]["message"]
    assert len(server.job_states()) == jobs


def test_a_video_is_put_to_its_address_once_it_is_looked_at(tmp_path, bucket):
    model = clip_model(tmp_path)
    with Server(tmp_path / "data", "--fetch-allow", "127.0.0.0/8", "--set", f"models.clips.path={model}",
                "--set", "models.clips.steps=1") as server:
        def made(address):
            asked = requests.post(f"{server.url}/v1/videos/generations", headers=server.headers(), timeout=60,
                                  json={"model": "clips", "prompt": "it grows", "duration": 1,
                                        "output": {"upload_url": address}})
            assert asked.status_code == 200, asked.text
            return asked.json()["request_id"]

        def looked_at(request_id):
            def done():
                answer = requests.get(f"{server.url}/v1/videos/{request_id}", headers=server.headers(), timeout=60)
                return answer.json()["video"] if answer.status_code == 200 else None

            return wait_until(done, "the video", seconds=120)

        taken = made(f"{bucket}/kept/clip?signature=s")
        assert looked_at(taken)["url"] == f"{bucket}/kept/clip?signature=s"
        kind, body = Bucket.kept.pop("/kept/clip?signature=s")
        assert kind == "video/mp4" and body[4:8] == b"ftyp"
        assert looked_at(taken)["url"] == f"{bucket}/kept/clip?signature=s" and not Bucket.kept, "sent once"
        refused_id = made(f"{bucket}/refused")
        refused = looked_at(refused_id)
        why = "the video could not be sent to its upload URL: it answered with status 403"
        assert refused["upload_error"] == why
        assert requests.get(refused["url"], timeout=10).content[4:8] == b"ftyp"
        assert looked_at(refused_id)["upload_error"] == why
        assert Bucket.asked.count("/refused") == 1, "its outcome is kept"
        assert "signature" not in server.log_text()

        held_id = made(f"{bucket}/kept/held")

        def look(_):
            return requests.get(f"{server.url}/v1/videos/{held_id}", headers=server.headers(), timeout=10)

        wait_until(lambda: look(0) and "/kept/held" in Bucket.asked, "its upload", seconds=120)
        with concurrent.futures.ThreadPoolExecutor(12) as lookers:
            looks = list(lookers.map(look, range(12)))
        assert {(one.status_code, one.json()["progress"]) for one in looks} == {(202, 99)}
        Bucket.release.set()
        assert looked_at(held_id)["url"] == f"{bucket}/kept/held"
        assert Bucket.asked.count("/kept/held") == 1, "looks share one upload"


def test_uploads_that_hang_hold_up_no_inputs(server, bucket):
    def hangs(i):
        return server.generate(output={"upload_urls": [f"{bucket}/kept/held/{i}"]})

    with concurrent.futures.ThreadPoolExecutor(9) as others:
        replies = [others.submit(hangs, i) for i in range(9)]
        # Four at a time are of one team and go to one host; the others wait for their turn.
        wait_until(lambda: len(Bucket.asked) == 4 and server.job_states().count("succeeded") >= 9,
                   "the uploads", seconds=60)
        source = bucket.replace("127.0.0.1", "127.0.0.2") + "/picture.png"
        edited = requests.post(f"{server.url}/v1/images/edits", headers=server.headers(), timeout=60,
                               json={"prompt": PROMPT, "image": {"url": source}})
        held = not any(one.done() for one in replies)
        Bucket.release.set()
        assert held and "could not be fetched" not in edited.text, edited.text
        assert all(one.result().status_code == 200 for one in replies)


def test_uploads_of_one_team_hold_up_no_other_team(server, bucket):
    blue = server.make_key("--team", "blue")["key"]

    def hangs(i):
        host = bucket.replace("127.0.0.1", f"127.0.0.{2 + i % 5}")
        return server.generate(output={"upload_urls": [f"{host}/kept/held/{i}"]})

    with concurrent.futures.ThreadPoolExecutor(9) as others:
        done = server.job_states().count("succeeded")
        replies = [others.submit(hangs, i) for i in range(9)]
        wait_until(lambda: server.job_states().count("succeeded") == done + 9, "the pictures", seconds=60)
        reply = requests.post(f"{server.url}/v1/images/generations", headers=server.headers(blue), timeout=60,
                              json={"prompt": PROMPT, "output": {"upload_urls": [f"{bucket}/kept/blue"]}})
        Bucket.release.set()
        assert reply.json()["data"][0]["url"] == f"{bucket}/kept/blue", reply.text
        for one in replies:  # whatever became of it: what is paid for is to be had
            assert requests.get(one.result().json()["data"][0]["url"], timeout=10).status_code == 200
    assert Bucket.held_most == 4
