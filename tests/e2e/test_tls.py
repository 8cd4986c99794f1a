"""The API over TLS, with a certificate of our own authority and the real client."""

import base64
import shutil
import socket
import ssl
import time
import urllib.parse

import httpx
import openai
import pytest
import requests

from authority import Authority, openssl
from program import PROMPT, run, wait_until

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None,
                                reason="no openssl to make certificates with")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(start_server, authority):
    certificate, key = authority.issue("first")
    return start_server("--tls-certificate-file", certificate, "--tls-key-file", key)


def peer_certificate(server, authority):
    address = urllib.parse.urlsplit(server.url)
    context = ssl.create_default_context(cafile=authority.certificate)
    with socket.create_connection((address.hostname, address.port), 20) as connection:
        with context.wrap_socket(connection, server_hostname="127.0.0.1") as encrypted:
            assert encrypted.version() in ("TLSv1.2", "TLSv1.3")
            return dict(field[0] for field in encrypted.getpeercert()["subject"])["commonName"]


def test_the_openai_client_generates_and_fetches_over_https(server, authority):
    assert server.url.startswith("https://")
    context = ssl.create_default_context(cafile=authority.certificate)
    with openai.OpenAI(base_url=server.url + "/v1", api_key=server.key, max_retries=0,
                       http_client=httpx.Client(verify=context)) as client:
        reply = client.images.generate(model="grok-imagine-image", prompt=PROMPT)
        assert reply.data[0].url.startswith(server.url + "/")
        file = requests.get(reply.data[0].url, timeout=20, verify=authority.certificate)
        assert file.content.startswith(b"\xff\xd8")
        bare = client.images.generate(model="grok-imagine-image", prompt=PROMPT,
                                      response_format="b64_json")
        assert base64.b64decode(bare.data[0].b64_json).startswith(b"\xff\xd8")


def test_a_body_larger_than_all_buffers_goes_both_ways(server, authority):
    data = bytes(range(256)) * 8192
    made = requests.post(server.url + "/v1/files", timeout=60, verify=authority.certificate,
                         headers=server.headers(), files={"file": ("a.bin", data)},
                         data={"purpose": "vision"})
    assert made.status_code == 200, made.text
    got = requests.get(f"{server.url}/v1/files/{made.json()['id']}/content", timeout=60,
                       verify=authority.certificate, headers=server.headers())
    assert got.content == data


def test_many_requests_share_a_connection(server, authority):
    with requests.Session() as session:
        session.trust_env = False  # or REQUESTS_CA_BUNDLE would win
        session.verify = str(authority.certificate)
        for _ in range(20):
            assert session.get(server.url + "/healthz", timeout=20).status_code == 200


def test_plain_http_is_told_that_this_is_tls(server):
    address = urllib.parse.urlsplit(server.url)
    reply = requests.get(f"http://{address.hostname}:{address.port}/healthz", timeout=20)
    assert reply.status_code == 400
    assert "https" in reply.text


def test_who_trusts_somebody_else_is_not_served(server):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(server.url + "/healthz", timeout=20)
    with pytest.raises(ssl.SSLError):
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        address = urllib.parse.urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port), 20) as connection:
            old.wrap_socket(connection)


def test_a_new_certificate_is_taken_without_a_restart(start_server, authority, tmp_path):
    used, key = tmp_path / "used.pem", tmp_path / "used.key"
    for made, place in zip(authority.issue("before"), (used, key)):
        shutil.copy(made, place)
    server = start_server("--tls-certificate-file", used, "--tls-key-file", key)
    assert peer_certificate(server, authority) == "before"
    used.write_text("nonsense")
    wait_until(lambda: peer_certificate(server, authority) == "before"
               and "certificate_not_loaded" in server.log_text(), "the warning")
    for made, place in zip(authority.issue("after"), (key.with_suffix(".new"), key)):
        shutil.copy(made, place)
    key.with_suffix(".new").rename(used)
    wait_until(lambda: peer_certificate(server, authority) == "after", "the new certificate")


@pytest.mark.parametrize("case, named", [
    ("no key", "tls_certificate_file is set and tls_key_file is not"),
    ("no file", "tls_certificate_file: {folder}/none.pem"),
    ("no certificate", "no certificate in PEM form"),
    ("other key", "it is not the key of"),
    ("key of another algorithm", "it is not the key of"),
    ("key with a password", "no key in PEM form without a password"),
])
def test_files_that_cannot_be_used_end_the_start_by_name(authority, tmp_path, case, named):
    certificate, key = authority.issue("good")
    if case == "no key":
        key = ""
    elif case == "no file":
        certificate = tmp_path / "none.pem"
    elif case == "no certificate":
        certificate = key
    elif case == "other key":
        key = authority.issue("other")[1]
    elif case == "key of another algorithm":
        key = tmp_path / "rsa.key"
        openssl("genpkey", "-algorithm", "RSA", "-out", key)
    else:
        locked = tmp_path / "locked.key"
        openssl("ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", locked)
        key = locked
    began = time.monotonic()
    ended = run("serve", "--data-dir", tmp_path / "data", "--http-listen", "127.0.0.1:0",
                "--tls-certificate-file", certificate, "--tls-key-file", key)
    assert ended.returncode == 78
    assert named.format(folder=tmp_path) in ended.stderr
    checked = run("config", "check", "--data-dir", tmp_path / "data", "--http-listen", "127.0.0.1:0",
                  "--tls-certificate-file", certificate, "--tls-key-file", key)
    assert checked.returncode == 78
    assert named.format(folder=tmp_path) in checked.stderr
    assert time.monotonic() - began < 20


def test_grpc_speaks_tls_with_the_same_certificate(server, authority):
    grpc = pytest.importorskip("grpc", reason="the grpcio package is not installed")
    credentials = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
    target = "localhost:" + server.grpc.split(":")[1]
    with grpc.secure_channel(target, credentials) as channel:
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10) == b"\x08\x01"
    with grpc.insecure_channel(target) as channel:
        with pytest.raises(grpc.RpcError):
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
