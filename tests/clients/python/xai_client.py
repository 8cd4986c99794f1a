"""xai-sdk for Python, over gRPC."""

import xai_sdk
from xai_calls import HOST, try_client


def sample(key, timeout, *wanted, **fields):
    client = xai_sdk.Client(api_key=key, api_host=HOST, timeout=timeout)
    made = client.image.sample_batch(*wanted, **fields)
    return [each.image if "image_format" in fields else each.url for each in made]


def video(key, *wanted):
    return xai_sdk.Client(api_key=key, api_host=HOST).video.generate(*wanted, duration=1)


try_client(sample, video)
