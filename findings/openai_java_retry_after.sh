#!/usr/bin/env bash
# OpenAI's client for Java comes back after 8 s where Retry-After says more, and tells nobody.
#
# Seen with openai-java 4.101.0. 3 s are waited as 3 s; 9 s and 30 s become 8 s, the longest that it
# waits by itself, so its two usual retries are over within 16 s. The clients for Python and JavaScript
# keep up to 60 s.
#
# Why it matters: a server that knows that it will have room in half a minute says so, is asked twice
# before that in vain, and the caller gets a RateLimitException. Who orders from a queue sets `maxRetries`
# so that tries of 8 s reach far enough.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/java.sh"

with_maven com.openai:openai-java:4.101.0 <<'JAVA'
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.images.ImageGenerateParams;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

class Program {
    static final List<Long> asked = new ArrayList<>();
    static int after;

    /** How long the client waits that is told to come back after so many seconds. */
    static double waited(String url, int seconds) {
        after = seconds;
        asked.clear();
        var client = OpenAIOkHttpClient.builder().baseUrl(url).apiKey("k").maxRetries(1).build();
        String error = "none";
        try {
            client.images().generate(ImageGenerateParams.builder().model("m").prompt("a red house").build());
        } catch (Exception thrown) {
            error = thrown.toString();
        }
        double wait = (asked.get(1) - asked.get(0)) / 1e9;
        System.out.printf("Retry-After: %d is waited as %.1f s (%s)%n", seconds, wait, error);
        return wait;
    }

    static void check(boolean holds) {
        if (!holds) throw new AssertionError("not as described");
    }

    public static void main(String[] arguments) throws Exception {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            asked.add(System.nanoTime());
            exchange.getRequestBody().readAllBytes();
            byte[] body = "{\"error\":{\"message\":\"the queue is full\",\"code\":\"full\"}}".getBytes();
            exchange.getResponseHeaders().set("retry-after", String.valueOf(after));
            exchange.getResponseHeaders().set("content-type", "application/json");
            exchange.sendResponseHeaders(429, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
        double three = waited(url, 3);
        check(three > 2.9 && three < 4.5);
        for (int seconds : new int[] {9, 30}) {
            double wait = waited(url, seconds);
            check(wait > 7.9 && wait < 8.9);
        }
        System.exit(0);
    }
}
JAVA
