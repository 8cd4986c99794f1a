"""Files as OpenAI's client keeps them, and edits that name them."""

import base64
import io

import pytest
import requests

from program import Server
from test_edits import RED, TINY_KLEIN, post_json

openai = pytest.importorskip("openai", reason="the openai package is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("files"), "--set",
                f"models.tiny-klein.path={TINY_KLEIN}") as running:
        yield running


def test_a_file_is_kept_listed_read_and_deleted(client):
    made = client.files.create(file=("hat.png", io.BytesIO(RED)), purpose="vision")
    assert made.id.startswith("file_")
    assert (made.filename, made.bytes) == ("hat.png", len(RED))
    assert client.files.retrieve(made.id).id == made.id
    assert made.id in [file.id for file in client.files.list()]
    assert client.files.content(made.id).read() == RED
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.files.content(made.id)


def test_pages_follow_each_other(client):
    ids = [client.files.create(file=(f"{i}.png", RED), purpose="vision").id for i in range(3)]
    assert [file.id for file in client.files.list(limit=2, order="desc")][:3] == ids[::-1]


def test_a_page_begins_where_one_can_have_ended(server, client):
    kept = client.files.create(file=("0.png", RED), purpose="vision").id
    for token in ("nonsense", kept[:-1], "file_%27"):
        reply = server.get(f"/v1/files?pagination_token={token}")
        assert reply.status_code == 400, reply.text
        assert reply.json()["error"]["param"] == "pagination_token"
    client.files.delete(kept)
    assert server.get(f"/v1/files?pagination_token={kept}").status_code == 200


def test_a_retry_makes_no_second_file(server, client):
    def ask():
        return client.images.generate(
            model="tiny-klein", prompt="a hat", n=2, extra_headers={"Idempotency-Key": "kept-once"},
            extra_body={"storage_options": {"filename": "hat.jpg"}})
    first, second = ([entry.file_output for entry in ask().data] for _ in range(2))
    assert first == second and len({each["file_id"] for each in first}) == 2
    for each in first:
        client.files.delete(each["file_id"])


def test_an_edit_names_a_file(server, client):
    asked = {"model": "tiny-klein", "prompt": "a hat", "seed": 7, "aspect_ratio": "20:9",
             "response_format": "b64_json"}
    kept = client.files.create(file=("hat.png", io.BytesIO(RED)), purpose="vision")
    by_id = post_json(server, asked | {"image": {"file_id": kept.id}})
    assert by_id.status_code == 200, by_id.text
    form = requests.post(f"{server.url}/v1/images/edits", timeout=120, headers=server.headers(),
                         files=[(name, (None, value)) for name, value in
                                (asked | {"seed": "7", "image[file_id]": kept.id}).items()])
    assert form.status_code == 200, form.text
    assert form.json()["data"] == by_id.json()["data"]
    unknown = post_json(server, asked | {"images": [{"file_id": kept.id}, {"file_id": "file_0"}]})
    assert unknown.status_code == 400
    assert unknown.json()["error"]["message"] == 'image 2: there is no file "file_0"'


def test_pictures_become_files_that_the_next_edit_names(server, client):
    """xAI's `storage_options`; the OpenAI client reads and deletes what they have made."""
    reply = client.images.generate(
        model="tiny-klein", prompt="a hat", n=2, response_format="b64_json",
        extra_body={"storage_options": {"filename": "hat.jpg", "expires_after": 3600}})
    outputs = [entry.file_output for entry in reply.data]
    assert [each["filename"] for each in outputs] == ["hat-1.jpg", "hat-2.jpg"]
    for entry, output in zip(reply.data, outputs):
        assert client.files.content(output["file_id"]).content == base64.b64decode(entry.b64_json)
        kept = client.files.retrieve(output["file_id"])
        assert kept.filename == output["filename"]
        assert kept.expires_at == output["expires_at"] == kept.created_at + 3600
    edited = post_json(server, {"model": "tiny-klein", "prompt": "a hat", "images": outputs,
                                "storage_options": {"filename": "again"}})
    assert edited.status_code == 200, edited.text
    again = edited.json()["data"][0]["file_output"]
    assert (again["filename"], again["expires_at"]) == ("again", None)
    for output in (*outputs, again):
        client.files.delete(output["file_id"])


@pytest.mark.parametrize("options, status, says", [
    ({"filename": "a.jpg", "public_url": {"expires_after": 60}}, 400,
     "storage_options.public_url.expires_after is 60, expected 3600 to"),
    ({"filename": "a.jpg", "public_url": "yes"}, 422, "storage_options.public_url: expected"),
    ({"filename": "a.jpg", "expires_after": 60}, 400, "expires_after is 60, expected 3600 to"),
    ({"filename": "a" * 256}, 400, "storage_options.filename has 26"),
    ({"filename": "a\nb"}, 400, "storage_options.filename has a control character"),
    ({}, 400, "storage_options.filename"),
    ("a.jpg", 422, "expected an object"),
    ([], 422, "expected an object"),
])
def test_what_of_storage_cannot_be_is_refused_before_the_work(server, options, status, says):
    jobs = len(server.job_states())
    reply = server.generate(model="tiny-klein", storage_options=options)
    assert reply.status_code == status, reply.text
    assert says in reply.json()["error"]["message"]
    assert len(server.job_states()) == jobs


def test_everybody_may_fetch_a_public_file_until_it_is_revoked(server, client):
    made = server.generate(model="tiny-klein", response_format="b64_json", storage_options={
        "filename": "hat.jpg", "expires_after": 7200, "public_url": {"expires_after": 3600}})
    entry = made.json()["data"][0]
    output = entry["file_output"]
    assert output["public_url_expires_at"] == output["expires_at"] - 3600
    fetched = requests.get(output["public_url"], timeout=10)
    assert fetched.content == base64.b64decode(entry["b64_json"])
    assert fetched.headers["content-type"] == "image/jpeg"
    assert fetched.headers["cache-control"] == "no-cache"
    assert requests.get(output["public_url"], headers={"if-none-match": "*"}, timeout=10).status_code < 400
    kept = server.get("/v1/files/" + output["file_id"]).json()
    assert kept["public_url"] == output["public_url"]
    assert kept in server.get("/v1/files").json()["data"]
    edited = post_json(server, {"model": "tiny-klein", "prompt": "a hat",
                                "image": {"url": output["public_url"]}})
    assert edited.status_code == 200, edited.text

    def post(path, **body):
        return requests.post(f"{server.url}/v1/files/{output['file_id']}/{path}", json=body,
                             headers=server.headers(), timeout=10)

    assert post("public-url", expires_after=60).status_code == 400
    assert post("public-url", expires_after=7201).status_code == 400
    assert post("public-url").json() == {"public_url": output["public_url"],
                                         "expires_at": output["expires_at"]}
    assert post("public-url/revoke").json() == {
        "id": output["file_id"], "revoked": True, "public_url": output["public_url"]}
    assert requests.get(output["public_url"], timeout=10).status_code == 404
    assert post("public-url/revoke").json() == {"id": output["file_id"], "revoked": False}
    assert "public_url" not in server.get("/v1/files/" + output["file_id"]).json()
    client.files.delete(output["file_id"])


def test_a_public_page_is_no_page_of_this_server(server, client):
    kept = client.files.create(file=("page.html", b"<script>1</script>"), purpose="vision")
    url = requests.post(f"{server.url}/v1/files/{kept.id}/public-url", json={},
                        headers=server.headers(), timeout=10).json()["public_url"]
    fetched = requests.get(url, timeout=10)
    assert fetched.headers["content-type"] == "application/octet-stream"
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in fetched.headers["content-security-policy"]
    client.files.delete(kept.id)
    assert requests.get(url, timeout=10).status_code == 404


def test_a_key_without_files_stores_nothing(server):
    key = server.make_key("--scopes", "image:generate")["key"]
    reply = requests.post(f"{server.url}/v1/images/generations", headers=server.headers(key),
                          json={"prompt": "a hat", "storage_options": {"filename": "a"}}, timeout=10)
    assert reply.status_code == 401
    assert '"files"' in reply.json()["error"]["message"]


def test_what_is_no_picture_is_told_when_it_is_used(server, client):
    kept = client.files.create(file=("hat.txt", b"hello"), purpose="vision")
    reply = post_json(server, {"model": "tiny-klein", "prompt": "a hat",
                               "images": [{"file_id": kept.id}]})
    assert reply.status_code == 400
    assert "image 1 is of an unknown format" in reply.json()["error"]["message"]


def test_files_belong_to_their_key_scope_and_size(server):
    painter = server.make_key("--scopes", "image:generate")["key"]
    refused = requests.get(f"{server.url}/v1/files", headers=server.headers(painter), timeout=10)
    assert refused.status_code == 401
    assert '"files"' in refused.json()["error"]["message"]
    large = requests.post(f"{server.url}/v1/files", headers=server.headers(), timeout=30,
                          files={"file": ("x", b"x" * 50_000_001)})
    assert large.status_code == 413
