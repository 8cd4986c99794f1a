#!/usr/bin/env bash
# xAI's SDK speaks plaintext to localhost:PORT and TLS to 127.0.0.1:PORT, the same server.
#
# Seen with xai-sdk 1.21.0 for Python. `api_host` chooses by its spelling: what begins with "localhost:"
# gets an insecure channel, though use_insecure_channel is False by default and is not mentioned in the
# call; the address of the same machine in numbers gets TLS and ends in UNAVAILABLE, "failed to connect".
#
# Why it matters: a local server is told to be down by one user and works for the next. The error speaks
# of a TLS handshake only in its middle; localhost:PORT, or use_insecure_channel=True, is right.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages xai-sdk==1.21.0 <<'PY'
from concurrent import futures

import grpc
import xai_sdk
from xai_sdk.proto import image_pb2, image_pb2_grpc


class Images(image_pb2_grpc.ImageServicer):
    def GenerateImage(self, order, context):
        answer = image_pb2.ImageResponse(model=order.model)
        answer.images.add(url="http://localhost/a.jpg", respect_moderation=True)
        return answer


server = grpc.server(futures.ThreadPoolExecutor(2))
image_pb2_grpc.add_ImageServicer_to_server(Images(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()


def reached(host, **options):
    client = xai_sdk.Client(api_key="k", api_host=f"{host}:{port}", **options)
    try:
        client.image.sample("p", model="m")
        seen = grpc.StatusCode.OK
    except grpc.RpcError as error:
        seen = error.code()
        print(error.details())
    print(host, options, seen)
    return seen


assert reached("localhost") == grpc.StatusCode.OK
assert reached("127.0.0.1") == grpc.StatusCode.UNAVAILABLE
assert reached("127.0.0.1", use_insecure_channel=True) == grpc.StatusCode.OK
server.stop(None)
PY
