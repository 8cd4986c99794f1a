"""Edits with the OpenAI client as it is shipped, and with the JSON that xAI's clients send. The model
has random weights: what counts is that the given pictures reach it, whole and in order."""

import base64
import io
import socket
import struct
import zlib

import pytest
import requests

from program import PAPERLAND, ROOT, jpeg_size, wait_until

Image = pytest.importorskip("PIL.Image", reason="the pillow package is not installed")
ImageCms = pytest.importorskip("PIL.ImageCms", reason="the pillow package is not installed")
TINY_KLEIN = ROOT / "tests/golden/a1"
TINY_FLUX1 = ROOT / "tests/golden/b1"  # it takes no pictures


def png(width, height, colour):
    """A PNG of one colour."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    rows = (b"\0" + bytes(colour) * width) * height
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def gif(width, height, colour):
    """The same as a GIF, in codes of eight bits that are never compressed."""
    pixels = bytes(width * height)  # of the first entry of a palette of 128
    codes = b"".join(b"\x80" + pixels[at:at + 120] for at in range(0, len(pixels), 120)) + b"\x81"
    blocks = b"".join(bytes([len(codes[at:at + 255])]) + codes[at:at + 255]
                      for at in range(0, len(codes), 255))
    return (b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF6, 0, 0) + bytes(colour) * 128
            + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x07" + blocks + b"\0;")


RED, GREEN, BLUE = (png(96, 64, c) for c in ((200, 0, 0), (0, 200, 0), (0, 0, 200)))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from program import Server
    with Server(tmp_path_factory.mktemp("edits"),
                "--picture-metadata", "off",  # files are compared whatever their seeds
                "--set", f"models.tiny-klein.path={TINY_KLEIN}",
                "--set", f"models.tiny-flux1.path={TINY_FLUX1}",
                "--set", f"models.paperland.path={PAPERLAND}",
                "--set", 'models.tiny-klein.price_usd="0.02"',
                "--set", 'models.tiny-klein.price_input_usd="0.002"') as running:
        yield running


def post_json(server, body):
    return requests.post(f"{server.url}/v1/images/edits", json=body, timeout=120,
                         headers={"Authorization": f"Bearer {server.key}"})


def data_url(picture):
    return "data:image/png;base64," + base64.b64encode(picture).decode()


@pytest.mark.parametrize("count", [1, 3, 8])
def test_openai_edits_with_references(client, count):
    pictures = [("p.png", io.BytesIO((RED, GREEN, BLUE)[i % 3])) for i in range(count)]
    reply = client.images.edit(model="tiny-klein", prompt="a hat", extra_body={"seed": 7},
                               image=pictures[0] if count == 1 else pictures)
    entry = reply.data[0]
    assert entry.url.startswith("http://")  # its client may read either form
    assert jpeg_size(base64.b64decode(entry.b64_json)) == (1248, 832)  # 96 x 64 is 3:2
    assert reply.usage.input_tokens is not None
    assert reply.usage.cost_in_usd_ticks == 200_000_000 + count * 20_000_000


def test_what_the_references_show_and_their_order_count(server):
    def made(*pictures):
        reply = post_json(server, {
            "model": "tiny-klein", "prompt": "a hat", "seed": 7, "response_format": "b64_json",
            "aspect_ratio": "1:1",
            "images": [{"url": data_url(p), "type": "image_url"} for p in pictures]})
        assert reply.status_code == 200, reply.text
        return reply.json()["data"][0]["b64_json"]

    red_green = made(RED, GREEN)
    assert red_green == made(RED, gif(96, 64, (0, 200, 0)))
    assert red_green != made(GREEN, RED)
    assert red_green != made(RED, BLUE)


def test_xai_body_gets_a_link(server):
    """@ai-sdk/xai and tanstack: one picture as an object in `image`."""
    reply = post_json(server, {"model": "tiny-klein", "prompt": "a hat", "n": 1,
                               "image": {"url": data_url(RED), "type": "image_url"}})
    assert reply.status_code == 200, reply.text
    assert reply.json()["data"][0]["url"].startswith("http://")
    assert "b64_json" not in reply.json()["data"][0]


@pytest.mark.parametrize("body, says", [
    ({"images": [data_url(RED), data_url(b"hello")]}, "image 2 is of an unknown format"),
    ({"images": [data_url(RED), data_url(RED[:60])]}, "image 2 is a broken or cut png"),
    ({"images": [data_url(RED), data_url(png(30, 64, (9, 9, 9)))]}, "image 2 has 30 x 64 pixels"),
    ({"images": [data_url(RED)] * 9},
     'image: the model "tiny-klein" takes 1 to 8 reference pictures, got 9'),
    ({"model": "paperland", "images": [data_url(RED)] * 5, "image": ["http://a.example/"] * 7},
     'image: the model "paperland" takes 1 to 3 reference pictures, got 12'),
    ({"model": "paperland", "images": [data_url(RED)] * 4},
     'image: the model "paperland" takes 1 to 3 reference pictures, got 4'),
    ({"image": {"file_id": "file_1"}}, 'image 1: there is no file "file_1"'),
    ({"image": data_url(RED), "mask": data_url(b"hello")}, "the mask is of an unknown format"),
    ({"image": "http://127.0.0.1/x.png"}, "image 1: the URL leads to an address that is not public"),
    ({"image": "http://169.254.169.254/latest"}, "not public"),
    ({"image": "file:///etc/passwd"}, "neither a URL nor base64"),
])
def test_what_is_wrong_is_named(server, body, says):
    reply = post_json(server, {"model": "tiny-klein", "prompt": "a hat"} | body)
    assert reply.status_code == 400, reply.text
    assert says in reply.json()["error"]["message"]
    assert reply.json()["error"]["param"] in ("image", "mask")


def test_a_bad_picture_costs_nothing(server):
    spent = "SELECT sum(cost_usd_ticks), sum(held_usd_ticks) FROM charges"
    before = server.query(spent)[0][0]
    reply = post_json(server, {"model": "tiny-klein", "prompt": "a hat", "n": 3,
                               "images": [data_url(RED), data_url(RED[:-20])]})
    assert reply.status_code == 400, reply.text
    assert server.query(spent) == [(before, 0)]


def test_what_is_not_done_of_a_deferred_edit_is_said_when_it_failed_too(server):
    named = post_json(server, {"model": "tiny-klein", "prompt": "a hat", "deferred": True, "bogus": 1,
                               "image": {"url": "data:image/png;base64,aGVsbG8="}})
    assert named.status_code == 200, named.text
    url = f"{server.url}/v1/images/{named.json()['request_id']}"

    def ended():
        look = requests.get(url, headers=server.headers(), timeout=60)
        return look if look.status_code == 200 else None

    failed = wait_until(ended, "the edit")
    assert failed.json()["status"] == "failed"
    assert failed.json()["warnings"] == ['"bogus": not known here and ignored']
    assert failed.headers["x-imagined-warning"] == named.headers["x-imagined-warning"]


def test_three_pictures_of_one_edit_are_delivered_and_one_feeds_the_next(server):
    """A link of our own is read from the store: this address is one that nobody may fetch from."""
    asked = {"model": "tiny-klein", "prompt": "a hat", "aspect_ratio": "20:9", "seed": 7}
    reply = post_json(server, asked | {"n": 3, "image": {"url": data_url(RED)}})
    assert reply.status_code == 200, reply.text
    links = [entry["url"] for entry in reply.json()["data"]]
    assert len(set(links)) == 3
    assert post_json(server, asked | {"image": {"url": links[2]}}).status_code == 200
    stranger = post_json(server, asked | {"image": {"url": links[2][:-1]}})
    assert stranger.status_code == 400
    assert "image 1: the URL is one of this server's own" in stranger.json()["error"]["message"]


def test_a_chunked_form_is_read_as_it_comes(server):
    """openai for JavaScript sends streams without a length."""
    def pieces():
        yield b'--b\r\nContent-Disposition: form-data; name="image[]"; filename="x"\r\n\r\n' + RED
        yield b'\r\n--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na hat\r\n--b\r\n'
        yield (b'Content-Disposition: form-data; name="model"\r\n\r\ntiny-klein\r\n--b\r\n'
               b'Content-Disposition: form-data; name="response_format"\r\n\r\nb64_json\r\n--b--\r\n')
    reply = requests.post(f"{server.url}/v1/images/edits", data=pieces(), timeout=120,
                          headers=server.headers()
                          | {"Content-Type": "multipart/form-data; boundary=b"})
    assert reply.status_code == 200, reply.text
    entry = reply.json()["data"][0]
    assert entry["b64_json"] and "url" not in entry


def test_a_large_body_is_asked_for_or_refused_before_it_is_sent(server):
    """curl waits for the 100 above 1 MiB; a wrong key is told before the body."""
    def first_line(key, length):
        with socket.create_connection(server.address, timeout=10) as connection:
            connection.sendall((f"POST /v1/images/edits HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                                f"{key}\r\nContent-Type: application/json\r\nContent-Length: "
                                f"{length}\r\nExpect: 100-continue\r\n\r\n").encode())
            return connection.makefile("rb").readline().split()[1]
    assert first_line(server.key, 50_000_000) == b"100"
    assert first_line("imk-none", 50_000_000) == b"401"
    assert first_line(server.key, 500_000_000) == b"413"


@pytest.mark.parametrize("size", [(63, 200), (1000, 124)])
def test_a_picture_that_the_model_cannot_look_at_is_refused_at_the_door(server, size):
    before = server.query("SELECT count(*) FROM jobs"), server.query("SELECT count(*) FROM charges")
    reply = post_json(server, {"model": "paperland", "prompt": "make it night",
                               "images": [{"url": data_url(RED)}, {"url": data_url(png(*size, (9, 9, 9)))}]})
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == (
        f'image 2 has {size[0]} x {size[1]} pixels; the model "paperland" takes pictures of at least 64 on '
        "each side, at most 8 times as long as wide")
    assert before == (server.query("SELECT count(*) FROM jobs"), server.query("SELECT count(*) FROM charges"))


def test_a_key_for_generations_alone_edits_nothing(server):
    key = server.make_key("--scopes", "image:generate,models:read")["key"]
    reply = requests.post(f"{server.url}/v1/images/edits", timeout=10, headers=server.headers(key),
                          json={"prompt": "a hat", "image": data_url(RED)})
    assert reply.status_code == 401
    assert '"image:edit"' in reply.json()["error"]["message"]


def test_a_model_without_references_says_so_by_name(server):
    reply = post_json(server, {"model": "tiny-flux1", "prompt": "a red house",
                               "image": data_url(RED)})
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == \
        'image: the model "tiny-flux1" takes no reference pictures'
    assert reply.json()["error"]["param"] == "image"
    assert "edits" not in [row[0] for row in server.query(
        "SELECT kind FROM jobs WHERE model = 'tiny-flux1'")]  # refused at the door


def brightness(reply):
    picture = Image.open(io.BytesIO(base64.b64decode(reply.data[0].b64_json)))
    return sum(picture.convert("L").resize((16, 16)).tobytes()) / 256


def test_the_built_in_model_makes_night_of_day_and_leaves_it_a_picture_of_the_same_ratio(client):
    asked = {"model": "paperland", "response_format": "b64_json", "extra_body": {"seed": 7}}
    day = client.images.generate(prompt="a red house in a meadow", **asked)
    picture = base64.b64decode(day.data[0].b64_json)
    night = client.images.edit(prompt="make it night", image=("p.jpg", io.BytesIO(picture)), **asked)
    assert jpeg_size(base64.b64decode(night.data[0].b64_json)) == jpeg_size(picture)
    assert brightness(night) < 0.7 * brightness(day)


def test_a_mask_keeps_what_is_black_whatever_is_asked_for(client):
    def made(seed, mask):
        reply = client.images.edit(model="tiny-klein", prompt="a hat", extra_body={"seed": seed},
                                   image=("p.png", io.BytesIO(RED)), mask=("m.png", mask),
                                   response_format="b64_json")
        return base64.b64decode(reply.data[0].b64_json)
    black, white = (png(96, 64, (level,) * 3) for level in (0, 255))
    kept = made(1, black)
    assert jpeg_size(kept) == (96, 64)
    assert made(2, black) == kept
    assert made(1, white) != made(2, white)


def test_the_colours_of_a_photograph_in_display_p3_are_kept(client):
    """What a mask keeps comes back in the colours that Pillow makes of it, less what a JPEG rounds."""
    profile = Image.open(ROOT / "tests/fuzz/corpus/image/png-display-p3").info["icc_profile"]
    photograph = Image.new("RGB", (96, 64), (200, 50, 40))
    wanted = ImageCms.profileToProfile(photograph, ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                                       ImageCms.createProfile("sRGB")).getpixel((48, 32))
    file = io.BytesIO()
    photograph.save(file, "JPEG", quality=100, icc_profile=profile)
    reply = client.images.edit(model="tiny-klein", prompt="a hat", image=("p.jpg", file.getvalue()),
                               mask=("m.png", png(96, 64, (0, 0, 0))), output_format="png",
                               response_format="b64_json")
    kept = Image.open(io.BytesIO(base64.b64decode(reply.data[0].b64_json))).getpixel((48, 32))
    assert max(abs(ours - theirs) for ours, theirs in zip(kept, wanted)) <= 4, (kept, wanted)


def test_a_mask_says_that_it_keeps_the_shape_of_the_first_picture(client):
    """OpenAI's clients send a size with every edit, so it is not refused."""
    reply = client.images.edit(model="tiny-klein", prompt="a hat", size="1024x1024",
                               image=("p.png", io.BytesIO(RED)),
                               mask=("m.png", png(96, 64, (0, 0, 0))), response_format="b64_json")
    assert jpeg_size(base64.b64decode(reply.data[0].b64_json)) == (96, 64)
    assert any(text.startswith("aspect_ratio: 1:1 means 1024x1024") for text in reply.warnings)


def test_a_mask_that_is_black_all_over_is_said_to_change_nothing(client):
    def warnings(level):
        reply = client.images.edit(model="tiny-klein", prompt="a hat", image=("p.png", io.BytesIO(RED)),
                                   mask=("m.png", png(96, 64, (level,) * 3)))
        return getattr(reply, "warnings", None) or []
    assert any(text.startswith("the mask has nothing") for text in warnings(0))
    assert not warnings(255)
