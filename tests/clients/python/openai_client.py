"""openai for Python, 2.x and 3.x."""

import openai
from calls import (CANCEL_SECONDS, EDIT_MODEL, FILES, KEY, LIMITED_KEY, MODEL, MODERATED_PROMPT, NO_MODEL,
                   PROMPT, SLOW_MODEL, URL, VIDEO_MODEL, WRONG_KEY, counted, links, pictures_of_base64, run)


def images(key=KEY, **options):
    return openai.OpenAI(base_url=URL, api_key=key, max_retries=0, **options).images


def generate(key=KEY, model=MODEL, prompt=PROMPT, **fields):
    return images(key).generate(model=model, prompt=prompt, **fields).data


def edit(count):
    made = images().edit(model=EDIT_MODEL, prompt=PROMPT, image=FILES[0] if count == 1 else FILES[:count])
    return links([each.url for each in made.data])


def stream():
    events = list(images().generate(model=MODEL, prompt=PROMPT, stream=True, partial_images=2))
    previews = [event for event in events if event.type == "image_generation.partial_image"]
    made = [event for event in events if event.type == "image_generation.completed"]
    return (counted(len(previews), "preview") + ", " +
            pictures_of_base64([event.b64_json for event in made]))


def video():
    openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0).videos.create(model=VIDEO_MODEL, prompt=PROMPT)


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
    "stream": stream,
    "401": lambda: generate(WRONG_KEY),
    "404": lambda: generate(model=NO_MODEL),
    "400": lambda: generate(n=11),
    "429": limited,
    "moderated": lambda: generate(prompt=MODERATED_PROMPT),
    "video": video,
    "cancel": lambda: images(timeout=CANCEL_SECONDS).generate(model=SLOW_MODEL, prompt=PROMPT, n=10),
})
