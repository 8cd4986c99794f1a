"""/metrics, read by Prometheus' own parser."""

import json

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from program import PROMPT, run


def scrape(server, **options):
    """All samples, by name and labels."""
    response = requests.get(server.url + "/metrics", timeout=20, **options)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for family in text_string_to_metric_families(response.text):
        assert family.type in ("counter", "gauge", "histogram"), family
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, "twice"
            samples[key] = sample.value
    return samples


def value(samples, name, **labels):
    return samples.get(("imagined_" + name, frozenset(labels.items())), 0)


def generate(server, **more):
    return requests.post(
        server.url + "/v1/images/generations", timeout=60,
        headers={"authorization": f"Bearer {server.key}", **more.pop("headers", {})},
        json={"model": "grok-imagine-image", "prompt": PROMPT, "resolution": "1k", **more})


def test_counts_what_has_happened(start_server):
    server = start_server()
    server.key = server.make_key("--name", "slow", "--per-second", 3, "--per-minute", 3)["key"]
    before = scrape(server)
    assert value(before, "jobs", state="queued") == 0
    assert generate(server, n=2).status_code == 200
    assert generate(server, n=2, headers={"x-cache": "use"}).status_code == 200
    assert generate(server, n=2, headers={"x-cache": "use"}).headers["x-cache"] == "hit"
    assert generate(server).status_code == 429
    assert requests.get(server.url + "/v1/models", timeout=20).status_code == 401
    after = scrape(server)
    route = {"method": "POST", "route": "/v1/images/generations"}
    assert value(after, "http_requests_total", status="200", **route) == 3
    assert value(after, "http_requests_total", status="429", **route) == 1
    assert value(after, "http_request_duration_seconds_count",
                 route="/v1/images/generations") == 4
    assert value(after, "http_request_duration_seconds_bucket", le="+Inf",
                 route="/v1/images/generations") == 4
    assert value(after, "pictures_total") == 6
    assert value(after, "refusals_total", reason="rate_limit") == 1
    assert value(after, "refusals_total", reason="credentials") == 1
    assert value(after, "cache_requests_total", result="hit") == 1
    assert value(after, "cache_requests_total", result="miss") == 1
    assert value(after, "revenue_usd_ticks", model="grok-imagine-image") == 4 * 200_000_000
    assert value(after, "ledger_usd_ticks", account="held") == 0
    assert value(after, "worker_ready") == 1
    assert value(after, "worker_starts_total") == 1
    assert value(after, "model_available", model="grok-imagine-image") == 1
    assert value(after, "stores_up") == 1
    assert value(after, "http_connections") >= 1
    assert value(after, "storage_bytes", what="database") > 0
    assert value(after, "storage_free_bytes") > 0
    assert value(after, "process_resident_memory_bytes") > 1_000_000
    assert value(after, "process_open_fds") > 3
    for (name, labels), count in before.items():
        if name.endswith(("_total", "_count", "_bucket", "_sum")):
            assert after[name, labels] >= count, f"{name} has fallen"


def test_names_a_prompt_a_key_a_team_or_a_user_nowhere(server):
    generate(server, user="alice-of-the-metrics")
    text = requests.get(server.url + "/metrics", timeout=20).text
    for secret in (PROMPT, "alice-of-the-metrics", server.key, server.key.split("_")[1],
                   'team="', "wallet:"):
        assert secret not in text


def test_a_client_cannot_make_it_grow(server):
    lines = None
    for path in ("/v1/nothing", "/wp-login.php", "/v1/models/x", "/v1/models/y"):
        requests.get(server.url + path, timeout=20, headers={"authorization": "Bearer x"})
        requests.request("PURGE", server.url + path, timeout=20)
        lines = lines or len(requests.get(server.url + "/metrics", timeout=20).text.splitlines())
    text = requests.get(server.url + "/metrics", timeout=20).text
    assert "wp-login" not in text
    assert "PURGE" not in text


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_is_for_this_machine_and_not_for_what_comes_through_a_proxy(server, header):
    response = requests.get(server.url + "/metrics", timeout=20, headers={header: "127.0.0.1"})
    assert response.status_code == 403
    assert "this machine" in response.json()["error"]["message"]


def test_a_setting_says_who_may_read_it(start_server):
    server = start_server("--metrics", "managers")
    url = server.url + "/metrics"
    assert requests.get(url, timeout=20).status_code == 401
    customer = {"authorization": f"Bearer {server.key}"}
    assert requests.get(url, timeout=20, headers=customer).status_code == 403
    made = run("people", "create", "--role", "owner", "--json", "--data-dir", server.data_dir)
    owner = {"authorization": f"Bearer {json.loads(made.stdout)['key']}"}
    assert scrape(server, headers=owner)
    nobody = start_server("--metrics", "nobody")
    assert requests.get(nobody.url + "/metrics", timeout=20).status_code == 404
    everybody = start_server("--metrics", "all")
    assert scrape(everybody, headers={"x-forwarded-for": "203.0.113.7"})
