import static java.util.stream.Collectors.toList;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.openai.OpenAiImageModel;
import java.util.Base64;
import java.util.List;

/** langchain4j's model for OpenAI's pictures. It names no response_format and edits one picture. */
final class Langchain4j {
    private static OpenAiImageModel.OpenAiImageModelBuilder model() {
        return OpenAiImageModel.builder().baseUrl(Calls.URL_V1).apiKey(Calls.KEY).modelName(Calls.MODEL)
            .maxRetries(0);
    }

    private static String links(List<Image> images) throws Exception {
        return Calls.links(images.stream().map(image -> image.url().toString()).collect(toList()));
    }

    private static String generate(OpenAiImageModel.OpenAiImageModelBuilder model, String prompt)
            throws Exception {
        return links(List.of(model.build().generate(prompt).content()));
    }

    private static String generate(OpenAiImageModel.OpenAiImageModelBuilder model) throws Exception {
        return generate(model, Calls.PROMPT);
    }

    private static String generate(int count) throws Exception {
        return links(model().build().generate(Calls.PROMPT, count).content());
    }

    private static String edit() throws Exception {
        String base64 = Base64.getEncoder().encodeToString(Calls.pictures(1).get(0));
        var given = Image.builder().base64Data(base64).mimeType("image/png").build();
        return links(List.of(
            model().modelName(Calls.EDIT_MODEL).build().edit(given, Calls.PROMPT).content()));
    }

    private static String limited() throws Exception {
        generate(model().apiKey(Calls.LIMITED_KEY));
        return generate(model().apiKey(Calls.LIMITED_KEY));
    }

    private static String cancel() {
        model().modelName(Calls.SLOW_MODEL).timeout(Calls.CANCEL_AFTER).build().generate(Calls.PROMPT, 10);
        return "";
    }

    public static void main(String[] arguments) {
        new Calls()
            .add("url", () -> generate(model()))
            .add("n=3", () -> generate(3))
            .add("edit 1", Langchain4j::edit)
            .add("401", () -> generate(model().apiKey(Calls.WRONG_KEY)))
            .add("404", () -> generate(model().modelName(Calls.NO_MODEL)))
            .add("400", () -> generate(11))
            .add("429", Langchain4j::limited)
            .add("moderated", () -> generate(model(), Calls.MODERATED_PROMPT))
            .add("cancel", Langchain4j::cancel)
            .run();
    }
}
