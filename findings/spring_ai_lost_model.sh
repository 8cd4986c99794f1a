#!/usr/bin/env bash
# A size given with one call makes Spring AI draw the picture with another model than the one it is configured for.
#
# Seen with spring-ai-openai 2.0.1. An OpenAiImageModel is made with a model's name, and the options of an ImagePrompt say what is different
# in one call. OpenAiImageOptions that name a size, a quality or a user and no model, as one writes them for such a call, bring a model along that
# nobody has named, gpt-image-1-mini, and it replaces the configured one. Spring AI's other options, those of ImageOptionsBuilder, with the same
# width and height keep it. Nothing is said, and getOptions() still names the configured model.
#
# Why it matters: the order goes to a model of other quality and price; at a server that has no such model it is an error about a name that is
# nowhere in the program. In each call's options the model has to be named again.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/java.sh"

with_maven org.springframework.ai:spring-ai-openai:2.0.1 org.slf4j:slf4j-nop:2.0.17 <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import org.springframework.ai.image.ImageOptions;
import org.springframework.ai.image.ImageOptionsBuilder;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.openai.OpenAiImageModel;
import org.springframework.ai.openai.OpenAiImageOptions;

class Program {
  static volatile String order;

  public static void main(String[] arguments) throws Exception {
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", call -> {
      order = new String(call.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      var answer = "{\"created\": 1, \"data\": [{\"b64_json\": \"AAAA\"}]}".getBytes();
      call.getResponseHeaders().add("content-type", "application/json");
      call.sendResponseHeaders(200, answer.length);
      call.getResponseBody().write(answer);
      call.close();
    });
    server.start();
    try {
      var model = new OpenAiImageModel(OpenAiImageOptions.builder()
          .baseUrl("http://127.0.0.1:" + server.getAddress().getPort() + "/v1").apiKey("k")
          .model("grok-imagine-image").build());
      see(model, "no options", null, "grok-imagine-image");
      see(model, "ImageOptions", ImageOptionsBuilder.builder().width(1024).height(512).build(), "grok-imagine-image");
      see(model, "OpenAiImageOptions, size", OpenAiImageOptions.builder().width(1024).height(512).build(),
          "gpt-image-1-mini");
      see(model, "OpenAiImageOptions, quality", OpenAiImageOptions.builder().quality("high").build(),
          "gpt-image-1-mini");
      see(model, "OpenAiImageOptions, size and model",
          OpenAiImageOptions.builder().width(1024).height(512).model("grok-imagine-image").build(),
          "grok-imagine-image");
      System.exit(0);
    } catch (Throwable error) {
      error.printStackTrace();
      System.exit(1);
    }
  }

  static void see(OpenAiImageModel model, String what, ImageOptions options, String wanted) {
    model.call(options == null ? new ImagePrompt("a red house") : new ImagePrompt("a red house", options));
    System.out.println(what + ": " + order);
    if (!order.contains("\"model\":\"" + wanted + "\"")) throw new AssertionError("not as described");
    if (!model.getOptions().getModel().equals("grok-imagine-image")) throw new AssertionError("configured otherwise");
  }
}
JAVA
