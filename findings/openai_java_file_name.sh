#!/usr/bin/env bash
# OpenAI's client for Java sends a picture from memory without a file's name, and common servers then take it for a text.
#
# Seen with openai-java 4.101.0 and, as a server, starlette 1.10.0 with python-multipart 0.0.34. `images().edit` takes the picture as a
# path, as bytes or as a stream; a list can only be of streams. From a path the part of the form is `name="image"; filename="a.png"`. From
# bytes or a stream there is no `filename`, and that is what tells a file's part from a field: starlette, and FastAPI with it, hands the
# first over as an uploaded file and the second as a str. The part's type, application/octet-stream, is the same for both.
# Through MultipartField with a filename of its own the client sends one.
#
# Why it matters: a server tested with the clients for Python and JavaScript, which always send a name, says that `image` is missing or no
# file, and only to users of Java whose picture is in memory; two pictures cannot be sent otherwise. A server should take such a part
# as a picture by its field's name.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/java.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_maven com.openai:openai-java:4.101.0 <<'JAVA'
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.MultipartField;
import com.openai.models.images.ImageEditParams;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class Program {
  static final String PART = "Content-Disposition: form-data; name=\"image";
  static final List<String> parts = new ArrayList<>();

  static void check(boolean holds) {
    if (!holds) throw new AssertionError("not as described");
  }

  public static void main(String[] arguments) throws Exception {
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", call -> {
      var body = new String(call.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1);
      body.lines().filter(line -> line.startsWith(PART)).forEach(parts::add);
      var answer = "{\"created\": 1, \"data\": []}".getBytes();
      call.getResponseHeaders().add("content-type", "application/json");
      call.sendResponseHeaders(200, answer.length);
      call.getResponseBody().write(answer);
      call.close();
    });
    server.start();
    var client = OpenAIOkHttpClient.builder()
        .baseUrl("http://127.0.0.1:" + server.getAddress().getPort() + "/v1").apiKey("k").maxRetries(0).build();

    byte[] picture = {(byte) 0x89, 'P', 'N', 'G'};
    var path = Files.write(Path.of("a.png"), picture);
    var named = MultipartField.<ImageEditParams.Image>builder()
        .value(ImageEditParams.Image.ofInputStream(new ByteArrayInputStream(picture)))
        .contentType("image/png").filename("b.png").build();
    List<ImageEditParams.Builder> orders = List.of(
        ImageEditParams.builder().image(path),
        ImageEditParams.builder().image(picture),
        ImageEditParams.builder().image((InputStream) new ByteArrayInputStream(picture)),
        ImageEditParams.builder().imageOfInputStreams(
            List.of(new ByteArrayInputStream(picture), new ByteArrayInputStream(picture))),
        ImageEditParams.builder().image(named));
    for (var order : orders) client.images().edit(order.prompt("a red house").build());
    server.stop(0);

    parts.forEach(System.out::println);
    check(parts.equals(List.of(PART + "\"; filename=\"a.png\"", PART + "\"", PART + "\"", PART + "[]\"", PART + "[]\"",
        PART + "\"; filename=\"b.png\"")));
    System.exit(0);
  }
}
JAVA

with_packages starlette==1.10.0 python-multipart==0.0.34 anyio==4.16.0 <<'PY'
import asyncio

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser


def field(disposition):
    """The type in which a part with this header is handed to a server's program."""
    body = (f"--x\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
            "PNG\r\n--x--\r\n").encode()

    async def read():
        async def stream():
            yield body

        return await MultiPartParser(Headers({"content-type": "multipart/form-data; boundary=x"}), stream()).parse()

    kind = type(asyncio.run(read())["image"]).__name__
    print(f"{disposition}: {kind}")
    return kind


assert field('name="image"; filename="a.png"') == "UploadFile"
assert field('name="image"') == "str"
PY
