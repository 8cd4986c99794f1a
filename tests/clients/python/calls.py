"""What a script of a Python client shares with the others: where the server is, and how a cell is told."""

import base64
import os
import urllib.request

URL = os.environ["CLIENTS_URL"] + "/v1"
GRPC, KEY, WRONG_KEY, LIMITED_KEY = (
    os.environ[f"CLIENTS_{name}"] for name in ("GRPC", "KEY", "WRONG_KEY", "LIMITED_KEY"))
MODEL, EDIT_MODEL = "grok-imagine-image", "grok-imagine-image-quality"
BASE64_MODEL = "gpt-image-2"  # an alias of the first, under a name that stands for base64
SLOW_MODEL, NO_MODEL, VIDEO_MODEL = "slow", "no-such-model", "grok-imagine-video"
PROMPT, MODERATED_PROMPT = "a red house beside two trees", "a catapult on a hill"
CANCEL_SECONDS = 2
PICTURES = [open(path, "rb").read() for path in os.environ["CLIENTS_PICTURES"].split(os.pathsep)]
FILES = [(f"{number}.png", picture, "image/png") for number, picture in enumerate(PICTURES)]
DATA_URLS = ["data:image/png;base64," + base64.b64encode(each).decode() for each in PICTURES]


def counted(number, what):
    return f"{number} {what}{'' if number == 1 else 's'}"


def links(urls):
    """Each is followed, without a key."""
    for url in urls:
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read(2) == b"\xff\xd8", "not a JPEG behind the link"
    return counted(len(urls), "link")


def clip(url, seconds):
    """It is followed, without a key."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read(8)[4:] == b"ftyp", "not an MP4 behind the link"
    return f"1 clip of {counted(seconds, 'second')}"


def pictures(files):
    for file in files:
        assert file[:2] == b"\xff\xd8", "not a JPEG"
    return counted(len(files), "picture")


def pictures_of_base64(texts):
    return pictures([base64.b64decode(text) for text in texts])


def message(error):
    """What gRPC prints says the same twice and where it was noticed: its status and details do."""
    return f"{error.code().name} {error.details()}" if hasattr(error, "details") else error


def run(**calls):
    """Makes each call and prints a line for it: what came, or what was raised, as a developer sees it."""
    for name, call in calls.items():
        try:
            cell = str(call() or "")
        except Exception as error:  # whatever a client raises is the cell
            cell = f"`{type(error).__name__}: {message(error)}`"
        print(name, " ".join(cell.split()), sep="\t", flush=True)
