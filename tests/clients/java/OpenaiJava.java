import static java.util.stream.Collectors.toList;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.images.Image;
import com.openai.models.images.ImageEditParams;
import com.openai.models.images.ImageGenerateParams;
import com.openai.models.images.ImageGenerateParams.ResponseFormat;
import com.openai.models.videos.VideoCreateParams;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** openai-java. Its streams go out without a file name. */
final class OpenaiJava {
    private static OpenAIOkHttpClient.Builder client(String key) {
        return OpenAIOkHttpClient.builder().baseUrl(Calls.URL_V1).apiKey(key).maxRetries(0);
    }

    private static ImageGenerateParams.Builder order() {
        return ImageGenerateParams.builder().model(Calls.MODEL).prompt(Calls.PROMPT);
    }

    private static List<Image> ask(OpenAIClient client, ImageGenerateParams.Builder order) {
        return client.images().generate(order.build()).data().orElseThrow();
    }

    private static String links(List<Image> images) throws Exception {
        return Calls.links(images.stream().map(image -> image.url().orElseThrow()).collect(toList()));
    }

    private static String generate(String key, ImageGenerateParams.Builder order) throws Exception {
        return links(ask(client(key).build(), order));
    }

    private static String base64() {
        List<Image> images = ask(client(Calls.KEY).build(), order().responseFormat(ResponseFormat.B64_JSON));
        return Calls.base64(images.stream().map(image -> image.b64Json().orElseThrow()).collect(toList()));
    }

    private static String edit(int count) throws Exception {
        List<InputStream> files = new ArrayList<>();
        for (byte[] picture : Calls.pictures(count)) files.add(new ByteArrayInputStream(picture));
        var order = ImageEditParams.builder().model(Calls.EDIT_MODEL).prompt(Calls.PROMPT);
        if (count == 1) order.image(files.get(0)); else order.imageOfInputStreams(files);
        return links(client(Calls.KEY).build().images().edit(order.build()).data().orElseThrow());
    }

    private static String stream() {
        int previews = 0;
        List<String> made = new ArrayList<>();
        try (var events = client(Calls.KEY).build().images()
                .generateStreaming(order().partialImages(2).build())) {
            for (var event : (Iterable<com.openai.models.images.ImageGenStreamEvent>) events.stream()::iterator) {
                if (event.isGenerationPartialImage()) ++previews;
                if (event.isGenerationCompleted()) made.add(event.asGenerationCompleted().b64Json());
            }
        }
        return Calls.counted(previews, "preview") + ", " + Calls.base64(made);
    }

    private static String limited() throws Exception {
        generate(Calls.LIMITED_KEY, order());
        return generate(Calls.LIMITED_KEY, order());
    }

    private static String video() {
        var order = VideoCreateParams.builder().model("grok-imagine-video").prompt(Calls.PROMPT).build();
        client(Calls.KEY).build().videos().create(order);
        return "";
    }

    private static String cancel() {
        var client = client(Calls.KEY).timeout(Calls.CANCEL_AFTER).build();
        ask(client, order().model(Calls.SLOW_MODEL).n(10));
        return "";
    }

    public static void main(String[] arguments) {
        new Calls()
            .add("url", () -> generate(Calls.KEY, order()))
            .add("b64", OpenaiJava::base64)
            .add("n=3", () -> generate(Calls.KEY, order().n(3)))
            .add("edit 1", () -> edit(1))
            .add("edit 3", () -> edit(3))
            .add("edit 8", () -> edit(8))
            .add("stream", OpenaiJava::stream)
            .add("401", () -> generate(Calls.WRONG_KEY, order()))
            .add("404", () -> generate(Calls.KEY, order().model(Calls.NO_MODEL)))
            .add("400", () -> generate(Calls.KEY, order().n(11)))
            .add("429", OpenaiJava::limited)
            .add("moderated", () -> generate(Calls.KEY, order().prompt(Calls.MODERATED_PROMPT)))
            .add("video", OpenaiJava::video)
            .add("cancel", OpenaiJava::cancel)
            .run();
    }
}
