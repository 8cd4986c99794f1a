"""What people report about servers of this kind, sent to this one: each input is read, or refused in
words that help."""

import http.client
import json
import socket

import pytest
import requests

from program import PROMPT, run

GENERATIONS = "/v1/images/generations"
BODY = json.dumps({"prompt": PROMPT}).encode()


def wire(server, data):
    """Everything that comes back, to the end of the connection."""
    with socket.create_connection(server.address, timeout=20) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def request(server, target=GENERATIONS, body=BODY, version="1.1", host=True, fields=()):
    lines = [f"POST {target} HTTP/{version}", f"Authorization: Bearer {server.key}",
             f"Content-Length: {len(body)}", *fields]
    if host:
        lines.append("Host: %s:%d" % server.address)
    if not any(line.lower().startswith("content-type") for line in lines):
        lines.append("Content-Type: application/json")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def closing(server, **arguments):
    """The reply to a request after which the connection ends."""
    fields = [*arguments.pop("fields", ()), "Connection: close"]
    return wire(server, request(server, fields=fields, **arguments))


def status(reply):
    return int(reply.split()[1])


def body(reply):
    return json.loads(reply.split(b"\r\n\r\n", 1)[1])


def message(reply):
    return body(reply)["error"]["message"]


def post(server, text, content_type="application/json", path=GENERATIONS):
    return requests.post(server.url + path, data=text, timeout=30,
                         headers=server.headers() | {"Content-Type": content_type})


# --- what is asked for and would not be done


@pytest.mark.parametrize("field, value", [
    ("image", "https://example.com/a.png"),
    ("image", {"url": "data:image/png;base64,AA=="}), ("images", [{"url": "x"}]), ("mask", "x"),
    ("image_url", "x"), ("reference_images", ["https://example.com/a.png"]),
    ("init_image", "data:image/png;base64,AA==")])
def test_what_would_be_dropped_is_refused_by_name(server, field, value):
    jobs = len(server.job_states())
    response = server.generate(**{field: value})
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"] == field
    assert field in error["message"]
    assert "/v1/images/edits" in error["message"]
    assert len(server.job_states()) == jobs


def test_what_only_tunes_the_picture_is_ignored_with_a_warning(server):
    response = server.generate(style="vivid", strength=0.5, stream=False, image=None)
    assert response.status_code == 200, response.text
    warnings = response.json()["warnings"]
    assert len(warnings) == 2
    assert any("style" in text for text in warnings)
    assert any("strength" in text for text in warnings)


# --- numbers and encodings


@pytest.mark.parametrize("fields", [{"n": 1.0}, {"seed": -1}, {"seed": 7.0}, {"size": "512*512"}])
def test_other_spellings_of_the_same_are_read(server, fields):
    response = server.generate(**fields)
    assert response.status_code == 200, response.text


def test_minus_one_is_a_new_seed_each_time(server):
    first, second = (server.generate(seed=-1, response_format="b64_json").json()["data"][0]
                     for _ in range(2))
    assert first["b64_json"] != second["b64_json"]


@pytest.mark.parametrize("content_type", [
    "application/json; charset=utf8", "application/json; charset=utf-8; version=1",
    "application/json; version=1", 'APPLICATION/JSON;charset="UTF-8"',
    "application/json; charset=us-ascii", "application/json;"])
def test_json_is_read_whatever_else_its_type_says(server, content_type):
    assert post(server, BODY, content_type).status_code == 200


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", "windows-1252", "gbk"])
def test_another_charset_is_named(server, charset):
    response = post(server, BODY, f"application/json; charset={charset}")
    assert response.status_code == 415
    assert charset in response.json()["error"]["message"]
    assert "UTF-8" in response.json()["error"]["message"]


@pytest.mark.parametrize("encoding, word", [
    ("cp1252", "Windows-1252"), ("latin-1", "Windows-1252"), ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("utf-32", "UTF-32"), ("gbk", "UTF-8"),
    ("shift_jis", "UTF-8"), ("utf-8-sig", "byte order mark")])
def test_the_encoding_of_a_body_is_recognised(server, encoding, word):
    text = "caf\u00e9" if encoding in ("cp1252", "latin-1") else "\u65e5\u672c"
    response = post(server, json.dumps({"prompt": text}, ensure_ascii=False).encode(encoding))
    assert response.status_code == 400
    assert word in response.json()["error"]["message"]


@pytest.mark.parametrize("text", [r"\ud83d", r"a \ude00 b", r"\ud83dx", r"\ud83dA"])
def test_half_a_surrogate_pair_names_its_field(server, text):
    response = post(server, ('{"n":1,"prompt":"%s"}' % text).encode())
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "prompt"
    assert "surrogate" in response.json()["error"]["message"]


# --- addresses


@pytest.mark.parametrize("path", [
    "/images/generations", "/v1/v1/images/generations", "//v1/images/generations",
    "/v1//images/generations", "/v1/images/generations/", "/api/v1/images/generations",
    "/V1/images/generations"])
def test_a_wrong_base_url_is_told_the_right_path(server, path):
    reply = closing(server, target=path)
    assert status(reply) == 404
    assert " /v1/images/generations " in message(reply)


@pytest.mark.parametrize("method, path", [
    ("GET", "/v1/responses/resp_1"), ("POST", "/v1/embeddings"), ("POST", "/v1/batches"),
    ("GET", "/v1/embedding-models/some"), ("POST", "/embeddings")])
def test_what_is_not_served_yet_is_said_by_name(server, method, path):
    response = requests.request(method, server.url + path, headers=server.headers(), timeout=10)
    assert response.status_code == 501, response.text
    assert path in response.json()["error"]["message"]
    assert response.headers["x-should-retry"] == "false"


def test_a_whole_url_as_target_is_taken_where_it_is_ours(server):
    reply = closing(server, target=server.url + GENERATIONS)
    assert status(reply) == 200
    assert body(reply)["data"][0]["url"].startswith(server.url)


@pytest.mark.parametrize("target", ["http://example.com/v1/models", "https://127.0.0.1:1/v1/models"])
def test_a_whole_url_of_another_server_is_misdirected(server, target):
    reply = closing(server, target=target)
    assert status(reply) == 421
    assert target.split("/")[2] in message(reply)


@pytest.mark.parametrize("host", [True, False])
def test_a_client_of_http_1_0_gets_a_link_that_works(server, host):
    reply = wire(server, request(server, version="1.0", host=host, fields=["Expect: 100-continue"]))
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert requests.get(body(reply)["data"][0]["url"], timeout=10).status_code == 200


# --- proxies


def link_made_with(server, **fields):
    response = requests.post(server.url + GENERATIONS, data=BODY, timeout=30,
                             headers=server.headers() | {"Content-Type": "application/json"} |
                             {name.replace("_", "-"): value for name, value in fields.items()})
    assert response.status_code == 200, response.text
    return response.json()["data"][0]["url"]


def test_links_are_made_as_a_trusted_proxy_says(start_server):
    server = start_server("--trusted-proxies", "127.0.0.1,10.0.0.0/8")
    assert link_made_with(server, X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="https",
                          X_Forwarded_Host="pictures.example", X_Forwarded_Prefix="/x"
                          ).startswith("https://pictures.example/x/v1/files/img/")
    assert link_made_with(server, Forwarded="for=192.0.2.7;proto=https;host=other.example"
                          ).startswith("https://other.example/v1/files/img/")
    assert " client=192.0.2.7 " in server.log_text()


def test_nobody_else_is_believed_and_the_log_says_so(start_server):
    server = start_server()
    assert link_made_with(server, X_Forwarded_Proto="https", X_Forwarded_Host="evil.example"
                          ).startswith(server.url)
    assert "trusted_proxies" in server.log_text()


def test_a_wrong_list_of_proxies_is_named():
    refused = run("serve", "--trusted-proxies", "10.0.0.0/33")
    assert refused.returncode == 78
    assert "trusted_proxies" in refused.stderr


@pytest.mark.parametrize("fields", [
    ["Connection: close, TE", "TE: trailers"], ["Connection: TE", "Connection: close"],
    ["Connection: TE,close"]])
def test_close_is_found_in_a_list(server, fields):
    reply = wire(server, request(server, fields=fields))  # ends, or the socket times out
    assert status(reply) == 200
    assert b"\r\nconnection: close\r\n" in reply


def test_a_client_that_closes_only_its_side_gets_its_picture(server):
    with socket.create_connection(server.address, timeout=30) as connection:
        connection.sendall(request(server))
        connection.shutdown(socket.SHUT_WR)
        reply = b""
        while part := connection.recv(65536):
            reply += part
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body(reply)["data"]


def test_trailers_are_read_away(server):
    connection = http.client.HTTPConnection(*server.address, timeout=30)
    connection.putrequest("POST", GENERATIONS)
    for name, value in (server.headers() | {"Content-Type": "application/json",
                                            "Transfer-Encoding": "chunked"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(b"%x\r\n%s\r\n0\r\nX-Checksum: 1\r\n\r\n" % (len(BODY), BODY))
    assert connection.getresponse().read() and connection.sock
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


# --- links


@pytest.mark.parametrize("change", [
    lambda url: url + "&utm_source=x",
    lambda url: url + "&fbclid=1&gclid=2",
    lambda url: url.replace("?", "?utm_source=x&"),
    lambda url: url.split("?")[0] + "?" + "&".join(reversed(url.split("?")[1].split("&"))),
], ids=["behind", "two", "before", "order"])
def test_a_link_survives_what_is_added_to_it_on_its_way(server, change):
    url = server.generate().json()["data"][0]["url"]
    assert requests.get(change(url), timeout=10).content == requests.get(url, timeout=10).content


def test_a_link_that_was_written_as_html_is_said(server):
    url = server.generate().json()["data"][0]["url"]
    response = requests.get(url.replace("&", "&amp;"), timeout=10)
    assert response.status_code == 403
    assert "&amp;" in response.json()["error"]["message"]
