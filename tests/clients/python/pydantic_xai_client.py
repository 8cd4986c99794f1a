"""pydantic-ai's xAI model, which speaks gRPC through xai-sdk."""

from calls import GRPC, MODEL
from pydantic_ai.images.xai import XaiImageGenerationModel
from pydantic_ai.providers.xai import XaiProvider
from pydantic_calls import try_model


def create(model, key, timeout):
    host = "localhost:" + GRPC.split(":")[1]  # by this name the SDK speaks without TLS
    return XaiImageGenerationModel(model, provider=XaiProvider(api_key=key, api_host=host, timeout=timeout))


try_model(create, "xai_n", MODEL)
