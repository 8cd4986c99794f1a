"""Signed links to pictures."""

import time

import pytest
import requests

from program import jpeg_size


@pytest.fixture(scope="module")
def link(server):
    return server.generate().json()["data"][0]["url"]


def test_a_link_needs_no_key(link):
    response = requests.get(link, timeout=10)
    assert response.status_code == 200
    assert jpeg_size(response.content) == (1024, 1024)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


def test_a_link_does_not_mind_a_key(link):
    headers = {"Authorization": "Bearer imk_wrong"}  # open-webui brings one to its own server
    assert requests.get(link, headers=headers, timeout=10).status_code == 200


def test_head_tells_the_size_without_the_bytes(link):
    response = requests.head(link, timeout=10)
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["content-length"]) == len(requests.get(link, timeout=10).content)


def test_a_link_gives_a_part_of_the_file_and_nothing_that_the_client_has(link):
    whole = requests.get(link, timeout=10)
    assert whole.headers["accept-ranges"] == "bytes"
    size = len(whole.content)
    part = requests.get(link, headers={"Range": "bytes=2-9"}, timeout=10)
    assert (part.status_code, part.content) == (206, whole.content[2:10])
    assert part.headers["content-range"] == f"bytes 2-9/{size}"
    rest = requests.get(link, headers={"Range": f"bytes={size - 5}-"}, timeout=10)
    assert rest.content == whole.content[-5:]
    behind = requests.get(link, headers={"Range": f"bytes={size}-"}, timeout=10)
    assert (behind.status_code, behind.content) == (416, b"")
    with requests.Session() as session:  # the reply without a body leaves the connection in order
        for _ in range(2):
            had = session.get(link, headers={"If-None-Match": whole.headers["etag"]}, timeout=10)
            assert (had.status_code, had.content) == (304, b"")
        assert session.get(link, timeout=10).content == whole.content


@pytest.mark.parametrize("change", [
    lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"),
    lambda url: url + "&e=1",
    lambda url: url.split("?")[0],
    lambda url: url.split("&s=")[0] + "&s=",
    lambda url: url.replace("?e=", "?e=9"),
    lambda url: url.replace(".jpg", ".png"),
    lambda url: url.replace("/img/", "/img/A", 1),
], ids=["signature", "second e", "no query", "empty signature", "expiry", "name", "id"])
def test_a_changed_link_is_refused(link, change):
    response = requests.get(change(link), timeout=10)
    assert response.status_code == 403, response.text
    assert response.json()["code"] == "permission-denied"


def test_a_link_takes_no_post(link):
    response = requests.post(link, timeout=10)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"


def test_a_link_ends(start_server):
    server = start_server("--url-life-s", 1)
    link = server.generate().json()["data"][0]["url"]
    deadline = time.monotonic() + 5
    while requests.get(link, timeout=10).status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    response = requests.get(link, timeout=10)
    assert response.status_code == 403
    assert "expired" in response.json()["error"]["message"]


def test_links_begin_with_the_public_url(start_server):
    server = start_server("--public-url", "https://pictures.example/")
    url = server.generate().json()["data"][0]["url"]
    assert url.startswith("https://pictures.example/v1/files/img/")
