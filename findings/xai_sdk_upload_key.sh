#!/usr/bin/env bash
# xAI's SDK uploads a file without its key when the channel is an insecure one.
#
# Seen with xai-sdk 1.21.0 for Python, plain and async. With use_insecure_channel=True every call brings
# `authorization: Bearer KEY`, files.list among them; files.upload brings none, and neither the SDK's
# version nor a deadline. Over `localhost:PORT` without that option the same upload brings the key.
#
# Why it matters: a server on one's own network takes the client's pictures and lists its files, and
# says UNAUTHENTICATED to its uploads alone. A server can only tell its user which option to leave out.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages xai-sdk==1.21.0 <<'PY'
import asyncio
from concurrent import futures

import grpc
import xai_sdk
from xai_sdk.proto import files_pb2, files_pb2_grpc

seen = {}


class Files(files_pb2_grpc.FilesServicer):
    def note(self, call, context):
        names = {item.key for item in context.invocation_metadata()}
        seen[call] = sorted(names & {"authorization", "xai-sdk-version"})
        # Without a deadline of the client's it is many years.
        seen[call].append("deadline" if context.time_remaining() < 1e6 else "no deadline")

    def ListFiles(self, request, context):
        self.note("list", context)
        return files_pb2.ListFilesResponse()

    def UploadFile(self, chunks, context):
        size = sum(len(chunk.data) for chunk in chunks)
        self.note("upload", context)
        return files_pb2.File(id="file_1", size=size)


server = grpc.server(futures.ThreadPoolExecutor(2))
files_pb2_grpc.add_FilesServicer_to_server(Files(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()


def calls(host, **options):
    client = xai_sdk.Client(api_key="k", api_host=f"{host}:{port}", **options)
    client.files.list()
    client.files.upload(b"abc", filename="a.png")
    print(host, options, seen)
    return dict(seen)


async def async_calls():
    client = xai_sdk.AsyncClient(api_key="k", api_host=f"127.0.0.1:{port}",
                                 use_insecure_channel=True)
    await client.files.list()
    await client.files.upload(b"abc", filename="a.png")
    await client.close()
    print("async", seen)
    return dict(seen)


for found in (calls("127.0.0.1", use_insecure_channel=True), asyncio.run(async_calls())):
    assert found["list"] == ["authorization", "xai-sdk-version", "deadline"], found
    assert found["upload"] == ["no deadline"], found
assert "authorization" in calls("localhost")["upload"]
server.stop(None)
PY
