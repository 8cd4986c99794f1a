"""What moderation refuses, as the OpenAI client sees it, and what is written down of it."""

import base64
import contextlib
import http.server
import json
import threading

import pytest

from program import PROMPT, run, wait_until
from servers import openai_of
from test_edits import RED, TINY_KLEIN, data_url, post_json

openai = pytest.importorskip("openai", reason="the openai package is not installed")

POLICY = """
[categories.weapons]
terms = ["catapult*"]
[categories.tools]
action = "flag"
terms = ["anvil"]
"""
BLOCKED = "two c4tapult\u200bs on a hill"


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "moderation.toml"
    path.write_text(POLICY)
    return "--moderation-file", path


def usage_rows(server):
    done = run("usage", "--json", "--data-dir", server.data_dir)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_refusal_is_an_error_that_names_the_category(start_server, policy):
    server = start_server(*policy)
    with openai_of(server) as client:
        with pytest.raises(openai.BadRequestError) as caught:
            client.images.generate(model="grok-imagine-image", prompt=BLOCKED)
    assert caught.value.code == "content_policy_violation"
    assert caught.value.param == "prompt"
    assert "weapons" in caught.value.message
    whole = caught.value.response.json()
    assert whole["code"] == "imagine:content-moderated"
    assert whole["usage"] == {"cost_in_usd_ticks": 0}
    assert server.job_states() == []
    assert server.query("SELECT outcome, cost_usd_ticks, held_usd_ticks FROM charges") == [
        ("prompt_blocked", 0, 0)]
    assert run("usage", "--check", "--data-dir", server.data_dir).returncode == 0
    assert "prompt_blocked" in json.dumps(usage_rows(server))
    assert "stage=words category=\"weapons\"" in server.log_text()
    assert "refused=true" in server.log_text()
    assert "catapult" not in server.log_text() and "c4tapult" not in server.log_text()


def test_a_refusal_is_an_empty_list_where_that_is_wanted(start_server, policy):
    server = start_server(*policy, "--moderation-answer", "empty")
    with openai_of(server) as client:
        assert client.images.generate(model="grok-imagine-image", prompt=BLOCKED).data == []
        good = client.images.generate(model="grok-imagine-image", prompt=PROMPT)
    assert [entry.respect_moderation for entry in good.data] == [True]


def test_shadow_says_what_it_would_refuse(start_server, policy):
    server = start_server(*policy, "--moderation", "shadow")
    assert server.generate(prompt=BLOCKED).status_code == 200
    assert server.generate(prompt="an anvil").status_code == 200
    log = server.log_text()
    assert log.count("event=moderated") + log.count(" moderated ") == 2
    assert "action=block refused=false" in log and "action=flag refused=false" in log


class Classifier(http.server.BaseHTTPRequestHandler):
    """OpenAI's moderation API, which flags what its test says."""

    flagged = ()
    asked = []

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))
        Classifier.asked.append((self.headers["authorization"], question))
        flagged = () if isinstance(question["input"], str) and "picture" in self.flagged else self.flagged
        answer = json.dumps({"results": [{"flagged": bool(flagged), "categories": {
            name: name in flagged for name in ("violence", "hate")}}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def classifier(*flagged):
    Classifier.flagged, Classifier.asked = flagged, []
    with http.server.HTTPServer(("127.0.0.1", 0), Classifier) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/v1/moderations"
        listening.shutdown()


def test_an_outside_classifier_is_asked_with_its_key(start_server, tmp_path):
    key = tmp_path / "key"
    key.write_text("sk-outside\n")
    with classifier("violence") as url:
        server = start_server("--moderation-url", url, "--moderation-key-file", key)
        refused = server.generate()
    assert refused.status_code == 400
    assert "violence" in refused.json()["error"]["message"]
    assert Classifier.asked == [
        ("Bearer sk-outside", {"model": "omni-moderation-latest", "input": PROMPT})]
    with classifier() as url:
        server = start_server("--moderation-url", url)
        assert server.generate().status_code == 200


def seen_pictures():
    urls = [question["input"][0]["image_url"]["url"] for _, question in Classifier.asked
            if not isinstance(question["input"], str)]
    return [(url.split(";")[0], base64.b64decode(url.split(",")[1])) for url in urls]


def outcomes(server):
    return {row["outcome"] for row in usage_rows(server)["usage"]}


def test_a_made_picture_that_is_refused_is_neither_kept_nor_paid_for(start_server):
    with classifier("picture", "violence") as url:
        server = start_server("--moderation-url", url, "--moderation-pictures", "on")
        with openai_of(server) as client, pytest.raises(openai.BadRequestError) as refused:
            client.images.generate(model="grok-imagine-image", prompt=PROMPT)
    whole = refused.value.response.json()
    assert whole["code"] == "imagine:content-moderated"
    assert whole["error"]["message"] == \
        "Generated image rejected by content moderation (violence)."
    kind, file = seen_pictures()[0]
    assert kind == "data:image/jpeg" and file.startswith(b"\xff\xd8")
    assert outcomes(server) == {"picture_blocked"}
    assert server.query("SELECT count(*) FROM pictures") == [(0,)]
    assert server.query("SELECT sum(cost_usd_ticks), sum(held_usd_ticks) FROM charges") == [(0, 0)]
    assert "stage=made_picture" in server.log_text()


def test_a_refused_picture_may_be_an_empty_answer_too(start_server):
    with classifier("picture", "hate") as url:
        server = start_server("--moderation-url", url, "--moderation-pictures", "on",
                              "--moderation-answer", "empty")
        reply = server.generate()
    assert (reply.status_code, reply.json()["data"]) == (200, [])


def test_a_refused_picture_may_be_a_marked_entry(start_server):
    """As xAI's own clients know it, for each picture that was asked for."""
    with classifier("picture", "hate") as url:
        server = start_server("--moderation-url", url, "--moderation-pictures", "on",
                              "--moderation-answer", "marked")
        with openai_of(server) as client:
            reply = client.images.generate(model="grok-imagine-image", prompt=PROMPT, n=2)
    assert [(entry.url, entry.b64_json, entry.respect_moderation) for entry in reply.data] == \
        [(None, None, False)] * 2
    assert reply.usage.cost_in_usd_ticks == 0


@pytest.mark.parametrize("answer", ["error", "empty", "marked"])
def test_every_form_of_a_refusal_says_what_was_charged(start_server, answer):
    with classifier("picture", "hate") as url:
        server = start_server("--moderation-url", url, "--moderation-pictures", "on",
                              "--moderation-answer", answer, "--charge-policy", "work_done")
        reply = server.generate(n=2)
        deferred = server.generate(deferred=True).json()["request_id"]
        later = wait_until(lambda: (got := server.get(f"/v1/images/{deferred}")).status_code == 200
                           and got, "the end of the job")
    assert reply.json()["usage"]["cost_in_usd_ticks"] == 400_000_000
    assert later.json()["usage"] == {"cost_in_usd_ticks": 200_000_000}
    assert server.query("SELECT sum(cost_usd_ticks) FROM charges") == [(600_000_000,)]


def test_a_given_picture_is_judged_before_there_is_a_job(start_server):
    with classifier("picture", "violence") as url:
        server = start_server("--moderation-url", url, "--moderation-pictures", "on",
                              "--set", f"models.tiny-klein.path={TINY_KLEIN}")
        reply = post_json(server, {"model": "tiny-klein", "prompt": "a hat", "image": data_url(RED)})
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == \
        "image 1 was rejected by content moderation (violence)"
    assert reply.json()["error"]["param"] == "image"
    assert seen_pictures() == [("data:image/png", RED)]
    assert server.job_states() == []
    assert outcomes(server) == {"prompt_blocked"}
    assert "stage=given_picture" in server.log_text()


def test_pictures_that_nothing_is_found_in_are_delivered(start_server):
    with classifier() as url:
        server = start_server("--moderation-url", url, "--moderation-pictures", "on")
        assert server.generate(n=2).status_code == 200
        assert len(seen_pictures()) == 2


def test_judging_pictures_needs_somebody_who_does(tmp_path):
    refused = run("serve", "--data-dir", tmp_path, "--moderation-pictures", "on")
    assert refused.returncode == 78
    assert "moderation_url" in refused.stderr


@pytest.mark.parametrize("rule, status", [("refuse", 503), ("pass", 200)])
def test_a_classifier_that_is_down_follows_the_rule(start_server, rule, status):
    with classifier() as url:
        pass  # nobody listens there any more
    server = start_server("--moderation-url", url, "--moderation-down", rule)
    reply = server.generate()
    assert reply.status_code == status
    if status == 503:
        assert reply.json()["code"] == "moderation_unavailable"
        assert server.job_states() == []
    assert "classifier_down" in server.log_text()


def test_a_wrong_policy_keeps_the_server_from_starting(tmp_path):
    path = tmp_path / "moderation.toml"
    path.write_text('[categories."sexual/minors"]\naction = "allow"\n')
    refused = run("serve", "--data-dir", tmp_path / "data", "--moderation-file", path)
    assert refused.returncode == 78
    assert "moderation.toml" in refused.stderr and "sexual/minors" in refused.stderr
    checked = run("config", "check", "--moderation-file", path)
    assert checked.returncode == 78 and "sexual/minors" in checked.stderr
