"""xai-sdk for Python, over gRPC."""

import xai_sdk
from calls import (CANCEL_SECONDS, DATA_URLS, EDIT_MODEL, GRPC, KEY, LIMITED_KEY, MODEL,
                   MODERATED_PROMPT, NO_MODEL, PROMPT, SLOW_MODEL, WRONG_KEY, links, pictures, run)


def sample(key=KEY, model=MODEL, prompt=PROMPT, n=1, timeout=None, **fields):
    host = "localhost:" + GRPC.split(":")[1]  # by this name the SDK speaks without TLS
    client = xai_sdk.Client(api_key=key, api_host=host, timeout=timeout)
    return client.image.sample_batch(prompt, model, n=n, **fields)


def edit(count):
    given = {"image_url": DATA_URLS[0]} if count == 1 else {"image_urls": DATA_URLS[:count]}
    return links([each.url for each in sample(model=EDIT_MODEL, **given)])


def limited():
    sample(LIMITED_KEY)
    sample(LIMITED_KEY)


run(**{
    "url": lambda: links([each.url for each in sample()]),
    "b64": lambda: pictures([each.image for each in sample(image_format="base64")]),
    "n=3": lambda: links([each.url for each in sample(n=3)]),
    "edit 1": lambda: edit(1),
    "edit 3": lambda: edit(3),
    "edit 8": lambda: edit(8),
    "401": lambda: sample(WRONG_KEY),
    "404": lambda: sample(model=NO_MODEL),
    "400": lambda: sample(n=11),
    "429": limited,
    "moderated": lambda: links([each.url for each in sample(prompt=MODERATED_PROMPT)]),
    "cancel": lambda: sample(model=SLOW_MODEL, n=10, timeout=CANCEL_SECONDS),
})
