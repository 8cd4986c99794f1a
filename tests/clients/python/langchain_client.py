"""langchain-community's DallEAPIWrapper, the tool that LangChain has for pictures. It reads links only."""

from calls import (CANCEL_SECONDS, KEY, LIMITED_KEY, MODEL, MODERATED_PROMPT, NO_MODEL, PROMPT, SLOW_MODEL,
                   URL, WRONG_KEY, links, run)
from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper


def generate(key=KEY, model=MODEL, prompt=PROMPT, **fields):
    tool = DallEAPIWrapper(model=model, api_key=key, base_url=URL, max_retries=0, **fields)
    return tool.run(prompt).split("\n")


def limited():
    generate(LIMITED_KEY)
    generate(LIMITED_KEY)


run(**{
    "url": lambda: links(generate()),
    "n=3": lambda: links(generate(n=3)),
    "401": lambda: generate(WRONG_KEY),
    "404": lambda: generate(model=NO_MODEL),
    "400": lambda: generate(n=11),
    "429": limited,
    "moderated": lambda: generate(prompt=MODERATED_PROMPT),
    "cancel": lambda: generate(model=SLOW_MODEL, n=10, timeout=CANCEL_SECONDS),
})
