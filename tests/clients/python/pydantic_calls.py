"""pydantic-ai's ImageGenerator with one of its models; each provider has its own name for n."""

import asyncio

from calls import DATA_URLS, EDIT_MODEL, KEY, LIMITED_KEY, MODERATED_PROMPT, NO_MODEL
from calls import CANCEL_SECONDS, PROMPT, SLOW_MODEL, WRONG_KEY, pictures, run
from pydantic_ai import BinaryImage, ImageGenerator


def try_model(create, count_name, usual_model):
    """`create` makes a model out of its name, a key and a timeout."""
    def generate(key=KEY, model=usual_model, prompt=PROMPT, n=1, images=None, timeout=None):
        async def made():
            return await ImageGenerator(create(model, key, timeout)).generate(
                prompt, images=images, settings={count_name: n})
        return pictures([each.content.data for each in asyncio.run(made()).images])

    def edit(count):
        given = [BinaryImage.from_data_uri(url) for url in DATA_URLS[:count]]
        return generate(model=EDIT_MODEL, images=given)

    def limited():
        generate(LIMITED_KEY)
        generate(LIMITED_KEY)

    run(**{
        "b64": generate,
        "n=3": lambda: generate(n=3),
        "edit 1": lambda: edit(1),
        "edit 3": lambda: edit(3),
        "edit 8": lambda: edit(8),
        "401": lambda: generate(WRONG_KEY),
        "404": lambda: generate(model=NO_MODEL),
        "400": lambda: generate(n=11),
        "429": limited,
        "moderated": lambda: generate(prompt=MODERATED_PROMPT),
        "cancel": lambda: generate(model=SLOW_MODEL, n=10, timeout=CANCEL_SECONDS),
    })
