"""Models that other servers make: pictures and videos behind our keys, limits, cache, moderation and books.
The other servers are played by scripts (upstream.py)."""

import base64
import json
import threading

import pytest
import requests

from program import ROOT, run, wait_until
from test_edits import BLUE, GREEN, RED, data_url
from test_relay import KEY
from upstream import Upstream, json_answer, leave

PHOTO = (ROOT / "tests/images/exif-orientation-6.jpg").read_bytes()
CLIP = b"\0\0\0\x18ftypisom" + bytes(64)
OTHER_COST = 123_456  # what they say that it costs us, in ticks
BROKEN = json_answer({"error": {"message": "broken"}}, 503)


def pictures(*files, **fields):
    return json_answer({"data": [{"b64_json": base64.b64encode(file).decode(), "mime_type": "image/jpeg"}
                                 for file in files],
                        "usage": {"cost_in_usd_ticks": OTHER_COST}} | fields)


@pytest.fixture
def gateway(start_server, tmp_path, monkeypatch):
    """A server whose models `far` and `far-video` are made by the given upstreams, in their order; the
    first calls them `there`."""
    upstreams = []

    def start(*given, arguments=(), **options):
        upstreams.extend(given)
        monkeypatch.setenv("FAR_KEY", KEY)
        tables = "".join(f'[upstreams.u{i}]\nbase_url = "{each.url}"\nkey_env = "FAR_KEY"\n'
                         for i, each in enumerate(given))
        made_by = ", ".join(f'"u{i}=there"' if i == 0 else f'"u{i}"' for i in range(len(given)))
        file = tmp_path / "gateway.toml"
        file.write_text(tables + f"""
[models.grok-imagine-image]
[models.far]
upstreams = [{made_by}]
price_usd = "0.05"
price_2k_usd = "0.07"
price_input_usd = "0.01"
[models.far-video]
upstreams = [{made_by}]
makes = "videos"
price_second_usd = "0.05"
price_second_720p_usd = "0.07"
""")
        return start_server("--config", file, *arguments, **options)

    yield start
    for each in upstreams:
        each.close()


def ask(server, path="images/generations", headers=None, **body):
    return requests.post(f"{server.url}/v1/{path}", timeout=60,
                         headers=server.headers() | (headers or {}),
                         json={"model": "far", "prompt": "a red house"} | body)


def charges(server):
    return server.query("SELECT model, outcome, pictures, cost_usd_ticks FROM charges ORDER BY id")


def test_a_picture_of_another_server_is_ours_from_then_on(gateway):
    upstream = Upstream(pictures(PHOTO, PHOTO))
    server = gateway(upstream)
    reply = ask(server, n=2, aspect_ratio="16:9", resolution="2k", seed=7)
    assert reply.status_code == 200, reply.text
    path, headers, sent = upstream.requests[0]
    assert path == "/v1/images/generations" and headers["authorization"] == f"Bearer {KEY}"
    assert server.key not in json.dumps(headers)
    assert json.loads(sent) == {"model": "there", "prompt": "a red house", "n": 2, "aspect_ratio": "16:9",
                                "resolution": "2k", "response_format": "b64_json", "seed": 7}
    links = [each["url"] for each in reply.json()["data"]]
    assert all(link.startswith(server.url) for link in links)
    kept = requests.get(links[1], timeout=10)
    assert kept.content == PHOTO and kept.headers["content-type"] == "image/jpeg"
    # The price that the customer knew, not what it costs us: that is in the log.
    assert reply.json()["usage"]["cost_in_usd_ticks"] == 2 * 700_000_000
    assert charges(server) == [("far", "delivered", 2, 2 * 700_000_000)]
    assert f"upstream_usd_ticks={OTHER_COST}" in server.log_text()
    assert run("usage", "--check", "--data-dir", server.data_dir).returncode == 0


def test_pictures_that_are_given_go_along_as_data(gateway):
    upstream = Upstream(pictures(PHOTO))
    server = gateway(upstream)
    link = server.generate(model="grok-imagine-image").json()["data"][0]["url"]
    kept = requests.post(f"{server.url}/v1/files", headers=server.headers(), timeout=10,
                         files={"file": ("red.png", RED)}).json()["id"]
    reply = ask(server, "images/edits", images=[{"url": link}, {"file_id": kept}, {"url": data_url(BLUE)}])
    assert reply.status_code == 200, reply.text
    path, _, sent = upstream.requests[0]
    ours = requests.get(link, timeout=10).content
    assert path == "/v1/images/edits"
    assert [each["url"] for each in json.loads(sent)["images"]] == [
        "data:image/jpeg;base64," + base64.b64encode(ours).decode(), data_url(RED), data_url(BLUE)]
    assert reply.json()["usage"]["cost_in_usd_ticks"] == 500_000_000 + 3 * 100_000_000
    ask(server, "images/edits", image={"url": data_url(RED)})
    assert json.loads(upstream.requests[1][2])["image"]["url"] == data_url(RED)
    many = ask(server, "images/edits", images=[{"url": data_url(RED)}] * 6)
    assert many.status_code == 400 and "1 to 5 reference pictures" in many.json()["error"]["message"]
    assert len(upstream.requests) == 2


def test_the_cache_asks_nobody_twice(gateway):
    upstream = Upstream(pictures(PHOTO))
    server = gateway(upstream)
    first, second = (ask(server, headers={"x-cache": "use"}) for _ in range(2))
    assert second.json()["usage"]["cost_in_usd_ticks"] == 0
    assert requests.get(second.json()["data"][0]["url"], timeout=10).content == PHOTO
    assert len(upstream.requests) == 1


def test_our_policy_and_our_limits_come_first(gateway, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text('[categories.weapons]\nterms = ["catapult*"]\n')
    upstream = Upstream(pictures(PHOTO))
    server = gateway(upstream, arguments=["--moderation-file", rules])
    refused = ask(server, prompt="a catapult")
    assert refused.status_code == 400 and refused.json()["error"]["code"] == "content_policy_violation"
    key = server.make_key("--usd-per-day", "0.04")["key"]
    assert ask(server, headers=server.headers(key)).status_code == 429
    assert upstream.requests == []


@pytest.mark.parametrize("answer", [
    json_answer({"code": "imagine:content-moderated", "error": "Generated image rejected."}, 400),
    json_answer({"data": []}),
    json_answer({"data": [{"url": "", "respect_moderation": False}]}),
])
def test_what_their_moderation_keeps_back_is_said_and_costs_nothing(gateway, answer):
    server = gateway(Upstream(answer))
    refused = ask(server)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["code"] == "content_policy_violation"
    assert [(row[1], row[3]) for row in charges(server)] == [("picture_blocked", 0)]


def test_a_part_of_the_pictures_is_paid_in_part(gateway):
    whole = base64.b64encode(PHOTO).decode()
    data = [{"b64_json": whole}, {"respect_moderation": False}]
    reply = ask(gateway(Upstream(json_answer({"data": data}))), n=2)
    assert len(reply.json()["data"]) == 1
    assert reply.json()["usage"]["cost_in_usd_ticks"] == 500_000_000
    assert any("1 of 2" in each for each in reply.json()["warnings"])


def test_a_failure_is_tried_elsewhere_and_then_again(gateway):
    first, second = Upstream(BROKEN, BROKEN, pictures(RED)), Upstream(Upstream.HANG_UP)
    server = gateway(first, second)
    assert ask(server).status_code == 200
    assert (len(first.requests), len(second.requests)) == (3, 2)
    # Whoever has made it, and its answer was lost, is not to make it twice.
    assert len({headers["idempotency-key"] for _, headers, _ in first.requests}) == 1
    assert json.loads(second.requests[0][2])["model"] == "far", "as it is called here"
    assert len(charges(server)) == 1


def test_who_says_when_to_come_again_is_asked_then(gateway):
    upstream = Upstream(json_answer({}, 429, **{"retry-after": "1"}), pictures(PHOTO))
    server = gateway(upstream)
    assert ask(server).status_code == 200
    assert len(upstream.requests) == 2
    late = gateway(Upstream(json_answer({}, 429, **{"retry-after": "3600"})))
    refused = ask(late)
    assert refused.status_code == 429 and "over its limit" in refused.json()["error"]["message"]
    assert refused.headers["retry-after"] == "60"
    assert [(row[1], row[3]) for row in charges(late)] == [("engine_failed", 0)]


@pytest.mark.parametrize("answer, says", [
    ((200, {"content-type": "application/json"}, b"<html>"), "is not understood"),
    ((200, {"content-type": "application/json"}, b'{"data":[{}]}'), "is not understood"),
    (json_answer({"data": [{"b64_json": "#"}]}), "is not understood"),
    (pictures(b"no picture"), "no picture that can be read"),
    (json_answer({"data": [{"url": "http://127.0.0.1:1/x.jpg"}]}), "cannot be fetched"),
    (json_answer({"data": [{"url": "http://169.254.169.254/latest/meta-data"}]}), "cannot be fetched"),
    (json_answer({"data": [{"url": "file:///etc/passwd"}]}), "cannot be fetched"),
    (json_answer({"error": "no"}, 401), "refuses this server's key"),
    (json_answer({"error": "no"}, 404), "does not know it"),
    ((200, {"content-type": "text/plain"}, *[b"x" * (1 << 20)] * 97), "too long"),
])
def test_an_answer_that_is_none_is_the_end_of_it_and_costs_nothing(gateway, answer, says):
    upstream = Upstream(answer)
    server = gateway(upstream)
    reply = ask(server)
    assert reply.status_code == 503, reply.text
    assert says in reply.json()["error"]["message"]
    assert reply.headers["x-should-retry"] == "false", "it would be ordered, and paid for there, again"
    assert "169.254" not in reply.text and "127.0.0.1" not in reply.text
    assert [(row[1], row[3]) for row in charges(server)] == [("engine_failed", 0)]
    assert len(upstream.requests) == 1
    assert run("usage", "--check", "--data-dir", server.data_dir).returncode == 0


def test_what_they_refuse_is_said_in_their_words(gateway):
    upstream = Upstream(json_answer({"error": {"message": "Argument not supported: n"}}, 400))
    server = gateway(upstream)
    reply = ask(server)
    assert reply.status_code == 400
    assert "Argument not supported: n" in reply.json()["error"]["message"]
    assert len(upstream.requests) == 1


def test_a_picture_behind_a_link_is_fetched_where_the_operator_allows_it(gateway):
    upstream = Upstream(json_answer({}), (200, {"content-type": "image/png"}, GREEN))
    upstream.script[0] = json_answer({"data": [{"url": upstream.url + "/made.png"}]})
    server = gateway(upstream, arguments=["--fetch-allow", "127.0.0.0/8"])
    reply = ask(server)
    assert reply.status_code == 200, reply.text
    kept = requests.get(reply.json()["data"][0]["url"], timeout=10)
    assert kept.content == GREEN and kept.headers["content-type"] == "image/png"
    assert "authorization" not in upstream.requests[1][1], "a link is a stranger's"


def test_a_picture_behind_a_link_may_take_its_time(gateway):
    at_last = threading.Event()
    upstream = Upstream(json_answer({}), (200, {"content-type": "image/png"}, at_last, GREEN))
    upstream.script[0] = json_answer({"data": [{"url": upstream.url + "/made.png"}]})
    server = gateway(upstream, arguments=["--fetch-allow", "127.0.0.0/8"])
    threading.Timer(6, at_last.set).start()
    reply = ask(server)
    assert reply.status_code == 200, reply.text
    assert requests.get(reply.json()["data"][0]["url"], timeout=10).content == GREEN


def test_who_leaves_ends_the_work_of_the_upstream(gateway):
    upstream = Upstream((200, {"content-type": "application/json"}, threading.Event(), b"{}"))
    server = gateway(upstream)
    leave(server, "/v1/images/generations", {"model": "far", "prompt": "a"}, lambda: upstream.requests)
    assert upstream.gone.wait(20)
    wait_until(lambda: [row[3] for row in charges(server)] == [0], "the charge")


def test_a_server_that_dies_meanwhile_asks_again_under_the_same_key(gateway, start_server):
    never = threading.Event()
    upstream = Upstream((200, {"content-type": "application/json"}, never, b"{}"), pictures(PHOTO))
    server = gateway(upstream)
    request_id = ask(server, deferred=True).json()["request_id"]
    wait_until(lambda: upstream.requests, "the order")
    server.process.kill()
    server.process.wait(10)
    again = start_server(*server.arguments, data_dir=server.data_dir)

    def done():
        reply = requests.get(f"{again.url}/v1/images/{request_id}", timeout=10,
                             headers=again.headers(server.key))
        return reply.json() if reply.status_code == 200 else None

    assert wait_until(done, "the picture")["status"] == "done"
    never.set()
    keys = [headers["idempotency-key"] for _, headers, _ in upstream.requests]
    assert len(keys) == 2 and len(set(keys)) == 1
    assert [row[1:] for row in charges(again)] == [("delivered", 1, 500_000_000)]


def test_a_server_that_is_stopped_gives_back_what_it_has_asked_for(gateway, start_server):
    upstream = Upstream((200, {"content-type": "application/json"}, threading.Event(), b"{}"), pictures(PHOTO))
    server = gateway(upstream)
    request_id = ask(server, deferred=True).json()["request_id"]
    wait_until(lambda: upstream.requests, "the order")
    server.__exit__(None, None, None)
    assert server.query("SELECT state, attempt FROM jobs") == [("queued", 0)]
    again = start_server(*server.arguments, data_dir=server.data_dir)
    wait_until(lambda: again.query("SELECT state FROM jobs") == [("succeeded",)], "the picture")
    assert again.query("SELECT id FROM jobs") == [(request_id,)]
    assert [row[1:] for row in charges(again)] == [("delivered", 1, 500_000_000)]


def looked_at(server, request_id):
    def done():
        reply = requests.get(f"{server.url}/v1/videos/{request_id}", timeout=10, headers=server.headers())
        return reply.json() if reply.status_code == 200 else None
    return wait_until(done, "the video", 30)


def video_answers(upstream, *, url=None, state=None):
    return [json_answer({"request_id": "abc-1"}), (202, {"content-type": "application/json"}, b""),
            json_answer({"status": "pending", "progress": 40}, 202),
            json_answer(state or {"status": "done", "progress": 100, "model": "there",
                                  "video": {"url": url or upstream.url + "/clip.mp4", "duration": 3,
                                            "respect_moderation": True},
                                  "usage": {"cost_in_usd_ticks": OTHER_COST}}),
            (200, {"content-type": "video/mp4"}, CLIP)]


def test_a_video_of_another_server_is_ours_from_then_on(gateway):
    upstream = Upstream(BROKEN)
    upstream.script = video_answers(upstream)
    server = gateway(upstream, arguments=["--fetch-allow", "127.0.0.0/8"])
    begun = ask(server, "videos/generations", model="far-video", image={"url": data_url(RED)}, duration=3,
                resolution="720p")
    done = looked_at(server, begun.json()["request_id"])
    assert done["status"] == "done" and done["video"]["duration"] == 3 and done["model"] == "far-video"
    assert requests.get(done["video"]["url"], timeout=10).content == CLIP
    assert done["usage"]["cost_in_usd_ticks"] == 3 * 700_000_000
    paths = [path for path, _, _ in upstream.requests]
    assert paths == ["/v1/videos/generations"] + ["/v1/videos/abc-1"] * 3 + ["/v1/clip.mp4"]
    assert json.loads(upstream.requests[0][2]) == {
        "model": "there", "prompt": "a red house", "duration": 3, "resolution": "720p",
        "image": {"url": data_url(RED), "type": "image_url"}}


@pytest.mark.parametrize("path, asked", [("extensions", {"duration": 2}), ("edits", {})])
def test_a_video_that_is_given_goes_along_as_data(gateway, path, asked):
    upstream = Upstream(BROKEN)
    upstream.script = video_answers(upstream) + video_answers(upstream)
    server = gateway(upstream, arguments=["--fetch-allow", "127.0.0.0/8"])
    given = looked_at(server, ask(server, "videos/generations", model="far-video", duration=3).json()["request_id"])
    begun = ask(server, f"videos/{path}", model="far-video", video={"url": given["video"]["url"]}, **asked)
    done = looked_at(server, begun.json()["request_id"])
    assert done["status"] == "done" and requests.get(done["video"]["url"], timeout=10).content == CLIP
    (order,) = [json.loads(body) for where, _, body in upstream.requests if where == f"/v1/videos/{path}"]
    clip = "data:video/mp4;base64," + base64.b64encode(CLIP).decode()
    assert order["video"]["url"] == clip and order.get("duration") == asked.get("duration")
    assert (order["model"], order["prompt"]) == ("there", "a red house")


@pytest.mark.parametrize("state, says", [
    ({"status": "failed", "error": {"code": "invalid_argument", "message": "too dark"}}, "too dark"),
    ({"status": "failed", "error": {"code": "internal_error", "message": "oops"}}, "oops"),
])
def test_a_video_that_fails_there_fails_here(gateway, state, says):
    upstream = Upstream(BROKEN)
    upstream.script = video_answers(upstream, state=state)
    server = gateway(upstream)
    done = looked_at(server, ask(server, "videos/generations", model="far-video").json()["request_id"])
    assert done["status"] == "failed" and says in done["error"]["message"]
    assert [row[3] for row in charges(server)] == [0]


def test_a_video_that_their_moderation_keeps_back_is_marked(gateway):
    upstream = Upstream(BROKEN)
    upstream.script = video_answers(upstream, state={
        "status": "done", "video": {"url": "", "duration": 3, "respect_moderation": False}})
    server = gateway(upstream)
    done = looked_at(server, ask(server, "videos/generations", model="far-video").json()["request_id"])
    assert done["status"] == "done" and done["video"]["respect_moderation"] is False
    assert [(row[1], row[3]) for row in charges(server)] == [("picture_blocked", 0)]


def test_a_video_that_nobody_can_judge_is_kept_back(gateway):
    judge = Upstream(json_answer({"results": [{"categories": {}, "category_scores": {}}]}))
    upstream = Upstream(BROKEN)
    upstream.script = video_answers(upstream)
    server = gateway(upstream, arguments=["--fetch-allow", "127.0.0.0/8", "--moderation-pictures", "on",
                                          "--moderation-url", judge.url + "/moderations"])
    done = looked_at(server, ask(server, "videos/generations", model="far-video").json()["request_id"])
    assert done["status"] == "failed" and "nobody can judge" in done["error"]["message"]
    assert [row[3] for row in charges(server)] == [0]
    assert server.query("SELECT count(*) FROM pictures") == [(0,)]
    judge.close()


def test_a_video_of_a_private_address_is_refused(gateway):
    upstream = Upstream(BROKEN)
    upstream.script = video_answers(upstream)
    server = gateway(upstream)
    done = looked_at(server, ask(server, "videos/generations", model="far-video").json()["request_id"])
    assert done["status"] == "failed" and "cannot be fetched" in done["error"]["message"]
    assert [path for path, _, _ in upstream.requests][-1] == "/v1/videos/abc-1"


def test_each_list_has_what_they_make(gateway):
    server = gateway(Upstream(pictures(PHOTO)))
    images = [each["id"] for each in server.get("/v1/image-generation-models").json()["models"]]
    videos = [each["id"] for each in server.get("/v1/video-generation-models").json()["models"]]
    assert images == ["grok-imagine-image", "far"] and videos == ["far-video"]
    assert ask(server, model="far-video").status_code == 400
    assert ask(server, "videos/generations").status_code == 400
    talked = requests.post(f"{server.url}/v1/chat/completions", headers=server.headers(), timeout=30,
                           json={"model": "far", "messages": [{"role": "user", "content": "a house"}]})
    assert talked.status_code == 200 and talked.json()["choices"][0]["message"]["images"]


@pytest.mark.parametrize("tables, says", [
    ('[models.far]\nupstreams = ["nobody"]', "there is no [upstreams.nobody]"),
    ('[upstreams.u]\nbase_url = "http://x/v1"\n[models.far]\npath = "x"\nupstreams = ["u"]', "not both"),
    ('[upstreams.u]\nbase_url = "http://x/v1"\n[models.far]\nupstreams = ["u"]\nmakes = "clips"',
     'makes: expected "pictures" or "videos"'),
    ('[upstreams.u]\nbase_url = "http://x/v1"\n[models.far]\nupstreams = "u"', "expected a list"),
    ('[upstreams.u]\nbase_url = "http://x/v1"\n[models.far]\nupstreams = ["u"]\nmax_references = 9',
     "from 0 to 8"),
])
def test_a_wrong_model_is_said_by_name(tmp_path, tables, says):
    file = tmp_path / "wrong.toml"
    file.write_text("[models.grok-imagine-image]\n" + tables)
    done = run("serve", "--config", file, "--data-dir", tmp_path / "data", "--http-listen", "127.0.0.1:0")
    assert done.returncode != 0
    assert says in done.stderr
