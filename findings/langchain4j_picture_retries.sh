#!/usr/bin/env bash
# LangChain4j takes maxRetries for pictures and tries once, and its errors for a picture are not those for a chat.
#
# Seen with langchain4j-open-ai 1.19.0. OpenAiChatModel and OpenAiImageModel are built alike, `maxRetries` included. After 429, 500 and 503, and
# after a connection that was closed, the chat model tries two times more with maxRetries(2); the image model tries once, in `generate` and in `edit`.
# What it throws then is the plain HttpException, or a RuntimeException around an IOException, where the chat model throws RateLimitException or
# InternalServerException, so that a program's own retry by these types does not see it either.
#
# Why it matters: a picture takes long enough to meet a busy server more often than a chat does, and the program believes it is covered. A client of
# this kind gives up at the first 429, however soon the server asks it back.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/java.sh"

with_maven dev.langchain4j:langchain4j-open-ai:1.19.0 org.slf4j:slf4j-nop:2.0.17 <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiImageModel;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;

class Program {
  static final AtomicInteger orders = new AtomicInteger();
  static volatile int status; // 0: the connection is closed

  public static void main(String[] arguments) throws Exception {
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", call -> {
      call.getRequestBody().readAllBytes();
      orders.incrementAndGet();
      if (status == 0) throw new RuntimeException("closes the connection");
      var answer = "{\"error\": {\"message\": \"busy\"}}".getBytes();
      call.getResponseHeaders().add("content-type", "application/json");
      call.getResponseHeaders().add("retry-after", "0");
      call.sendResponseHeaders(status, answer.length);
      call.getResponseBody().write(answer);
      call.close();
    });
    server.start();
    try {
      var url = "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
      var chat = OpenAiChatModel.builder().baseUrl(url).apiKey("k").modelName("m").maxRetries(2).build();
      var pictures = OpenAiImageModel.builder().baseUrl(url).apiKey("k").modelName("m").maxRetries(2).build();
      var picture = Image.builder().base64Data("iVBORw0KGgo=").mimeType("image/png").build();
      for (int each : new int[] {429, 500, 503, 0}) {
        status = each;
        see("chat", 3, each == 429 ? "RateLimitException" : each == 0 ? null : "InternalServerException",
            () -> chat.chat("hello"));
        see("generate", 1, each == 0 ? "RuntimeException" : "HttpException", () -> pictures.generate("a red house"));
        see("edit", 1, each == 0 ? "RuntimeException" : "HttpException", () -> pictures.edit(picture, "blue"));
      }
      System.exit(0);
    } catch (Throwable error) {
      error.printStackTrace();
      System.exit(1);
    }
  }

  static void see(String what, int tries, String error, Runnable call) {
    orders.set(0);
    String thrown = "nothing";
    try {
      call.run();
    } catch (Exception exception) {
      thrown = exception.getClass().getSimpleName();
    }
    System.out.println((status == 0 ? "closed" : status) + ", " + what + ": " + orders + " tries, " + thrown);
    if (orders.get() != tries || error != null && !thrown.equals(error)) throw new AssertionError("not as described");
  }
}
JAVA
