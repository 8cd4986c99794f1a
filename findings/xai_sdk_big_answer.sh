#!/usr/bin/env bash
# xAI's SDK loses a large order after the work is done, with the status that means "quota used up".
#
# Seen with xai-sdk 1.21.0 for Python. An answer comes in one message, and the client takes 20 MiB at
# most. `sample_batch(n=10, image_format="base64")` is let through; with 2.5 MB of base64 a picture, as a
# 2k picture may have, eight pictures arrive and ten do not: RESOURCE_EXHAUSTED, raised by the client
# itself when the server has drawn and billed all ten.
#
# Why it matters: the caller takes it for a rate limit, waits, and orders again, to the same end. A
# server has to work out before it draws whether the answer can arrive, or give URLs. `channel_options`
# of the client raises the limit.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages xai-sdk==1.21.0 <<'PY'
from concurrent import futures

import grpc
import xai_sdk
from xai_sdk.proto import image_pb2, image_pb2_grpc

drawn = []


class Images(image_pb2_grpc.ImageServicer):
    def GenerateImage(self, order, context):
        drawn.append(order.n)
        answer = image_pb2.ImageResponse(model=order.model)
        for _ in range(order.n):
            answer.images.add(base64="data:image/jpeg;base64," + "A" * 2_500_000, respect_moderation=True)
        return answer


server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.max_send_message_length", -1)])
image_pb2_grpc.add_ImageServicer_to_server(Images(), server)
address = f"localhost:{server.add_insecure_port('127.0.0.1:0')}"
server.start()


def order(n, **options):
    drawn.clear()
    client = xai_sdk.Client(api_key="k", api_host=address, **options)
    try:
        pictures = client.image.sample_batch("p", model="m", n=n, image_format="base64")
        got = len(pictures)
    except grpc.RpcError as error:
        got = error.code()
        print(error.details())
    print(f"ordered {n}, drawn {drawn}, got {got}")
    return got


assert order(8) == 8
assert order(10) == grpc.StatusCode.RESOURCE_EXHAUSTED and drawn == [10]
assert order(10, channel_options=[("grpc.max_receive_message_length", -1)]) == 10
server.stop(None)
PY
