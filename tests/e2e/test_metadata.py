"""What files say of how their pictures were made, read as others read it: with PIL and by each
format's own rules."""

import hashlib
import io
import struct
from xml.etree import ElementTree

import pytest
import requests

from program import PAPERLAND, ROOT, run
from test_edits import RED, data_url

Image = pytest.importorskip("PIL.Image", reason="the pillow package is not installed")

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
OURS = "{urn:imagined:1}"
PROMPT = "a red house"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from program import Server
    with Server(tmp_path_factory.mktemp("metadata"),
                "--set", f"models.paperland.path={PAPERLAND}", "--set", "models.paperland.steps=1",
                "--set", f"models.tiny-klein.path={ROOT / 'tests/golden/a1'}") as running:
        yield running


def packet(data):
    """As a reader of XMP finds it, or none. PIL keeps each format's under a name of its own."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        info = dict(picture.info) | getattr(picture, "text", {})
    found = info.get("xmp") or info.get("XML:com.adobe.xmp")
    return found if found is None or isinstance(found, str) else found.decode()


def said(data):
    tree = ElementTree.fromstring(packet(data))
    return next(tree.iter(RDF + "Description")).attrib


def jpeg_segments(data):
    """Marker and content of all segments before the pixels."""
    at, found = 2, []
    while data[at + 1] != 0xDA:
        size = struct.unpack(">H", data[at + 2:at + 4])[0]
        found.append((data[at + 1], data[at + 4:at + 2 + size]))
        at += 2 + size
    return found


def riff_chunks(data):
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    at, found = 12, []
    while at < len(data):
        size = struct.unpack("<I", data[at + 4:at + 8])[0]
        found.append((data[at:at + 4], data[at + 8:at + 8 + size]))
        at += 8 + size + size % 2
    return found


def picture(server, key=None, path="generations", **body):
    reply = requests.post(f"{server.url}/v1/images/{path}", headers=server.headers(key), timeout=60,
                          json={"model": "paperland", "prompt": PROMPT, "seed": 7} | body)
    assert reply.status_code == 200, reply.text
    return requests.get(reply.json()["data"][-1]["url"], timeout=10).content


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_file_says_model_seed_and_the_prompts_hash(server, form):
    attributes = said(picture(server, output_format=form, n=2))
    assert attributes[OURS + "Model"] == "paperland"
    assert attributes[OURS + "Seed"] == "8"  # the second picture's
    assert attributes[OURS + "PromptSHA256"] == hashlib.sha256(PROMPT.encode()).hexdigest()
    source = attributes["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"]
    assert source.endswith("/trainedAlgorithmicMedia")


def test_it_stands_where_each_format_keeps_it(server):
    jpeg = picture(server, output_format="jpeg")
    assert [marker for marker, _ in jpeg_segments(jpeg)][:2] == [0xE0, 0xE1]
    assert jpeg_segments(jpeg)[1][1].startswith(b"http://ns.adobe.com/xap/1.0/\0<?xpacket")
    webp = riff_chunks(picture(server, output_format="webp"))
    assert [name for name, _ in webp] == [b"VP8X", b"VP8 ", b"XMP "]
    assert webp[0][1][0] == 4 and webp[2][1].startswith(b"<?xpacket")
    png = picture(server, output_format="png")
    assert png[37:41] == b"iTXt" and png[41:59] == b"XML:com.adobe.xmp\0"


def test_an_edit_says_that_it_was_made_of_others(server):
    made = said(picture(server, path="edits", model="tiny-klein", image=data_url(RED)))
    assert made["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"].endswith(
        "/compositeWithTrainedAlgorithmicMedia")


def test_a_key_may_get_files_that_say_nothing(server):
    quiet = server.make_key("--no-metadata", "--cache")
    assert quiet["metadata"] is False
    loud = server.make_key("--cache")["key"]
    for form in ("png", "jpeg", "webp"):
        assert packet(picture(server, key=loud, output_format=form))
        # Not even from the cache, where the other key's file lies.
        assert packet(picture(server, key=quiet["key"], output_format=form)) is None


def test_a_server_may_say_nothing_at_all(tmp_path):
    from program import Server
    with Server(tmp_path, "--picture-metadata", "off",
                "--set", f"models.paperland.path={PAPERLAND}",
                "--set", "models.paperland.steps=1") as quiet:
        assert packet(picture(quiet)) is None


def test_the_command_line_says_it_too(tmp_path):
    def made(*options):
        file = tmp_path / "p.png"
        done = run("generate", PROMPT, "-o", file, "--seed", 7, "--steps", 1, *options)
        assert done.returncode == 0, done.stderr
        return file.read_bytes()
    assert said(made())[OURS + "Seed"] == "7"
    assert packet(made("--picture-metadata", "off")) is None
