#!/usr/bin/env bash
# OpenAI's client for Java sends each order twice when it is answered 503 with "Retry-After: 0", even when told not to try again.
#
# Seen with openai-java 4.101.0, which talks through OkHttp. `maxRetries(0)` leaves one try to the client, but OkHttp beneath it has a rule of its
# own: what was answered 503 and `Retry-After: 0` it sends once more by itself. Both copies say `X-Stainless-Retry-Count: 0` and bring no idempotency
# key. With maxRetries(2) there are six orders where three were meant. With a Retry-After of 1, with none, after a 429 or a 500 with 0, or when the
# connection is closed, the number is kept.
#
# Why it matters: who switches retries off does so because pictures cost money, or because a layer above does it. A server that is full and
# says "at once" for want of a better number gets twice the load from this client, and cannot tell a copy from an order by the headers: say at least 1.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/java.sh"

with_maven com.openai:openai-java:4.101.0 <<'JAVA'
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.OpenAIException;
import com.openai.models.images.ImageGenerateParams;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;

class Program {
  /** The orders of one call, each by its retry count; null closes the connection instead of an answer. */
  static List<String> orders(int retries, String answer) throws IOException {
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    try (var server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
      var accepting = new Thread(() -> {
        try {
          while (true) {
            var connection = server.accept();
            var serving = new Thread(() -> serve(connection, seen, answer));
            serving.setDaemon(true);
            serving.start();
          }
        } catch (IOException closed) {
          // the end
        }
      });
      accepting.setDaemon(true);
      accepting.start();
      var client = OpenAIOkHttpClient.builder()
          .baseUrl("http://127.0.0.1:" + server.getLocalPort() + "/v1").apiKey("k").maxRetries(retries).build();
      try {
        client.images().generate(ImageGenerateParams.builder().prompt("a red house").build());
        throw new AssertionError("the call was answered");
      } catch (OpenAIException error) {
        // as it should be
      }
      client.close();
    }
    return seen;
  }

  static void serve(Socket connection, List<String> seen, String answer) {
    try (connection) {
      var input = new BufferedInputStream(connection.getInputStream());
      while (true) {
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
          int next = input.read();
          if (next < 0) return;
          head.append((char) next);
        }
        input.readNBytes(Integer.parseInt(header(head, "content-length")));
        seen.add(header(head, "x-stainless-retry-count") + header(head, "idempotency-key"));
        if (answer == null) return;
        connection.getOutputStream().write(answer.getBytes());
      }
    } catch (IOException error) {
      // the client has gone
    }
  }

  static String header(CharSequence head, String name) {
    var found = Pattern.compile("(?i)\r\n" + name + ": ([^\r]*)").matcher(head);
    return found.find() ? found.group(1) : "";
  }

  static String answer(String status, String header) {
    var body = "{\"error\": {\"message\": \"busy\"}}";
    return "HTTP/1.1 " + status + "\r\ncontent-type: application/json\r\n" + header + "content-length: "
        + body.length() + "\r\n\r\n" + body;
  }

  static void check(String what, List<String> seen, String... wanted) {
    System.out.println(what + ": orders by their retry count " + seen);
    if (!seen.equals(List.of(wanted))) throw new AssertionError("not as described");
  }

  public static void main(String[] arguments) throws Exception {
    check("connection closed, maxRetries(0)", orders(0, (String) null), "0");
    check("503 without Retry-After, maxRetries(0)", orders(0, answer("503 Service Unavailable", "")), "0");
    check("503 and 1, maxRetries(0)", orders(0, answer("503 Service Unavailable", "Retry-After: 1\r\n")), "0");
    check("500 and 0, maxRetries(0)", orders(0, answer("500 Internal Server Error", "Retry-After: 0\r\n")), "0");
    check("429 and 0, maxRetries(0)", orders(0, answer("429 Too Many Requests", "Retry-After: 0\r\n")), "0");
    var atOnce = answer("503 Service Unavailable", "Retry-After: 0\r\n");
    check("503 and 0, maxRetries(0)", orders(0, atOnce), "0", "0");
    check("503 and 0, maxRetries(2)", orders(2, atOnce), "0", "0", "1", "1", "2", "2");
    System.exit(0);
  }
}
JAVA
