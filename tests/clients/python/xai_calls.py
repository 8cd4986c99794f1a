"""The calls of xai-sdk with one of its two clients."""

from calls import (CANCEL_SECONDS, DATA_URLS, EDIT_MODEL, GRPC, KEY, LIMITED_KEY, MODEL, MODERATED_PROMPT,
                   NO_MODEL, PROMPT, SLOW_MODEL, VIDEO_MODEL, WRONG_KEY, clip, links, pictures, run)

HOST = "localhost:" + GRPC.split(":")[1]  # by this name the SDK speaks without TLS


def made_clip(made):
    return clip(made.url, made.duration)


def try_client(sample, video):
    """`sample` gives what was made: files where base64 is asked for, else links."""
    def generate(key=KEY, model=MODEL, prompt=PROMPT, n=1, timeout=None, **fields):
        return sample(key, timeout, prompt, model, n=n, **fields)

    def edit(count):
        given = {"image_url": DATA_URLS[0]} if count == 1 else {"image_urls": DATA_URLS[:count]}
        return links(generate(model=EDIT_MODEL, **given))

    def limited():
        generate(LIMITED_KEY)
        generate(LIMITED_KEY)

    run(**{
        "url": lambda: links(generate()),
        "b64": lambda: pictures(generate(image_format="base64")),
        "n=3": lambda: links(generate(n=3)),
        "edit 1": lambda: edit(1),
        "edit 3": lambda: edit(3),
        "edit 8": lambda: edit(8),
        "401": lambda: generate(WRONG_KEY),
        "404": lambda: generate(model=NO_MODEL),
        "400": lambda: generate(n=11),
        "429": limited,
        "moderated": lambda: links(generate(prompt=MODERATED_PROMPT)),
        "video": lambda: made_clip(video(KEY, PROMPT, VIDEO_MODEL)),
        "cancel": lambda: generate(model=SLOW_MODEL, n=10, timeout=CANCEL_SECONDS),
    })
