"""xai-sdk for Python, its AsyncClient."""

import asyncio

import xai_sdk
from xai_calls import HOST, try_client


async def sampled(key, timeout, *wanted, **fields):
    client = xai_sdk.AsyncClient(api_key=key, api_host=HOST, timeout=timeout)
    made = await client.image.sample_batch(*wanted, **fields)
    return [await each.image if "image_format" in fields else each.url for each in made]


async def filmed(key, *wanted):
    return await xai_sdk.AsyncClient(api_key=key, api_host=HOST).video.generate(*wanted, duration=1)


try_client(lambda *wanted, **fields: asyncio.run(sampled(*wanted, **fields)),
           lambda *wanted: asyncio.run(filmed(*wanted)))
