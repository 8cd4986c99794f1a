import static java.util.stream.Collectors.toList;

import java.util.List;
import org.springframework.ai.image.Image;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.openai.OpenAiImageModel;
import org.springframework.ai.openai.OpenAiImageOptions;

/** Spring AI's model for OpenAI's pictures. It has no edits. */
final class SpringAi {
    private static OpenAiImageOptions.Builder options() {
        var options = OpenAiImageOptions.builder();
        options.baseUrl(Calls.URL_V1);
        options.maxRetries(0);
        options.model(Calls.MODEL);
        options.apiKey(Calls.KEY);
        return options;
    }

    private static OpenAiImageOptions.Builder keyed(String key) {
        var options = options();
        options.apiKey(key);
        return options;
    }

    private static OpenAiImageOptions.Builder of(String model) {
        var options = options();
        options.model(model);
        return options;
    }

    private static List<Image> ask(OpenAiImageOptions.Builder options, String prompt) {
        var made = OpenAiImageModel.builder().options(options.build()).build().call(new ImagePrompt(prompt));
        return made.getResults().stream().map(ImageGeneration::getOutput).collect(toList());
    }

    private static String generate(OpenAiImageOptions.Builder options, String prompt) throws Exception {
        return Calls.links(ask(options, prompt).stream().map(Image::getUrl).collect(toList()));
    }

    private static String generate(OpenAiImageOptions.Builder options) throws Exception {
        return generate(options, Calls.PROMPT);
    }

    private static String base64() {
        var images = ask(options().responseFormat("b64_json"), Calls.PROMPT);
        return Calls.base64(images.stream().map(Image::getB64Json).collect(toList()));
    }

    private static String limited() throws Exception {
        generate(keyed(Calls.LIMITED_KEY));
        return generate(keyed(Calls.LIMITED_KEY));
    }

    private static String cancel() {
        var options = of(Calls.SLOW_MODEL).n(10);
        options.timeout(Calls.CANCEL_AFTER);
        ask(options, Calls.PROMPT);
        return "";
    }

    public static void main(String[] arguments) {
        new Calls()
            .add("url", () -> generate(options()))
            .add("b64", SpringAi::base64)
            .add("n=3", () -> generate(options().n(3)))
            .add("401", () -> generate(keyed(Calls.WRONG_KEY)))
            .add("404", () -> generate(of(Calls.NO_MODEL)))
            .add("400", () -> generate(options().n(11)))
            .add("429", SpringAi::limited)
            .add("moderated", () -> generate(options(), Calls.MODERATED_PROMPT))
            .add("cancel", SpringAi::cancel)
            .run();
    }
}
