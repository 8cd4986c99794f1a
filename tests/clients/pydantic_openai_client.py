"""pydantic-ai's OpenAI model. It names no response_format and reads base64 only, so the caller names it."""

import asyncio

import openai
from calls import KEY, MODEL, PROMPT, URL, pictures
from pydantic_ai import ImageGenerator
from pydantic_ai.images.openai import OpenAIImageGenerationModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_calls import try_model


def create(model, key, timeout):
    client = openai.AsyncOpenAI(base_url=URL, api_key=key, max_retries=0, timeout=timeout)
    return OpenAIImageGenerationModel(model, provider=OpenAIProvider(openai_client=client))


def without_response_format():
    made = asyncio.run(ImageGenerator(create(MODEL, KEY, None)).generate(PROMPT))
    return pictures([each.content.data for each in made.images])


try_model(create, "openai_n", {"extra_body": {"response_format": "b64_json"}},
          url=without_response_format)
