"""pydantic-ai's OpenAI model. It names no response_format and reads base64 only, as OpenAI's models give it."""

import openai
from calls import BASE64_MODEL, URL
from pydantic_ai.images.openai import OpenAIImageGenerationModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_calls import try_model


def create(model, key, timeout):
    client = openai.AsyncOpenAI(base_url=URL, api_key=key, max_retries=0, timeout=timeout)
    return OpenAIImageGenerationModel(model, provider=OpenAIProvider(openai_client=client))


try_model(create, "openai_n", BASE64_MODEL)
