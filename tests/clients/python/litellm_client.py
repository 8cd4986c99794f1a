"""litellm, with the prefix xai/; edits with openai/, as it refuses them for xAI by itself."""

import io
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # asks no other host for prices
import litellm
from calls import (CANCEL_SECONDS, EDIT_MODEL, KEY, LIMITED_KEY, MODEL, MODERATED_PROMPT, NO_MODEL,
                   PICTURES, PROMPT, SLOW_MODEL, URL, VIDEO_MODEL, WRONG_KEY, links,
                   pictures_of_base64, run)

litellm.suppress_debug_info = True


def generate(key=KEY, model=MODEL, prompt=PROMPT, **fields):
    return litellm.image_generation(prompt=prompt, model=f"xai/{model}", api_base=URL, api_key=key,
                                    max_retries=0, **fields).data


def edit(count):
    given = [io.BytesIO(picture) for picture in PICTURES[:count]]
    made = litellm.image_edit(image=given[0] if count == 1 else given, prompt=PROMPT,
                              model=f"openai/{EDIT_MODEL}", api_base=URL, api_key=KEY)
    return links([each.url for each in made.data])


def video():
    litellm.video_generation(prompt=PROMPT, model=f"xai/{VIDEO_MODEL}", api_base=URL, api_key=KEY)


def limited():
    generate(LIMITED_KEY)
    generate(LIMITED_KEY)


run(**{
    "url": lambda: links([each.url for each in generate()]),
    "b64": lambda: pictures_of_base64([each.b64_json for each in generate(response_format="b64_json")]),
    "n=3": lambda: links([each.url for each in generate(n=3)]),
    "edit 1": lambda: edit(1),
    "edit 3": lambda: edit(3),
    "edit 8": lambda: edit(8),
    "401": lambda: generate(WRONG_KEY),
    "404": lambda: generate(model=NO_MODEL),
    "400": lambda: generate(n=11),
    "429": limited,
    "moderated": lambda: generate(prompt=MODERATED_PROMPT),
    "video": video,
    "cancel": lambda: generate(model=SLOW_MODEL, n=10, timeout=CANCEL_SECONDS),
})
