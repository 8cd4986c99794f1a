import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the Java clients share: where the server is, and how a cell is told. */
final class Calls {
    static final String URL_V1 = System.getenv("CLIENTS_URL") + "/v1";
    static final String KEY = System.getenv("CLIENTS_KEY");
    static final String WRONG_KEY = System.getenv("CLIENTS_WRONG_KEY");
    static final String LIMITED_KEY = System.getenv("CLIENTS_LIMITED_KEY");
    static final String MODEL = "grok-imagine-image";
    static final String EDIT_MODEL = "grok-imagine-image-quality";
    static final String SLOW_MODEL = "slow";
    static final String NO_MODEL = "no-such-model";
    static final String PROMPT = "a red house beside two trees";
    static final String MODERATED_PROMPT = "a catapult on a hill";
    static final Duration CANCEL_AFTER = Duration.ofSeconds(2);

    interface Call {
        String make() throws Exception;
    }

    private final Map<String, Call> calls = new LinkedHashMap<>();

    Calls add(String name, Call call) {
        calls.put(name, call);
        return this;
    }

    /** Makes each call and prints a line for it: what came, or what was thrown, as a developer sees it. */
    void run() {
        calls.forEach((name, call) -> {
            String cell;
            try {
                cell = call.make();
            } catch (Exception error) {
                cell = "`" + error.getClass().getSimpleName() + ": " + error.getMessage() + "`";
            }
            System.out.println(name + "\t" + cell.strip().replaceAll("\\s+", " "));
        });
        System.exit(0); // threads of the clients wait for more to do
    }

    /** The first of the pictures that edits are given. */
    static List<byte[]> pictures(int count) throws IOException {
        List<byte[]> found = new ArrayList<>();
        for (String path : System.getenv("CLIENTS_PICTURES").split(System.getProperty("path.separator"))) {
            if (found.size() < count) found.add(Files.readAllBytes(Path.of(path)));
        }
        return found;
    }

    static String counted(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    private static void checkJpeg(byte[] file) {
        if (file.length < 2 || (file[0] & 0xff) != 0xff || (file[1] & 0xff) != 0xd8)
            throw new IllegalStateException("not a JPEG");
    }

    /** Each is followed, without a key. */
    static String links(List<String> urls) throws IOException {
        for (String url : urls) {
            try (var answer = URI.create(url).toURL().openStream()) {
                checkJpeg(answer.readAllBytes());
            }
        }
        return counted(urls.size(), "link");
    }

    static String base64(List<String> texts) {
        for (String text : texts) checkJpeg(Base64.getDecoder().decode(text));
        return counted(texts.size(), "picture");
    }
}
