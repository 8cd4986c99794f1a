#!/usr/bin/env bash
# A picture with an alpha channel that Deep Java Library saves as JPEG is an empty file, and no error.
#
# Seen with ai.djl:api 0.38.0 and JDK 17.0.15. Image.save(stream, type) writes the picture "to a specified stream" and throws where it
# cannot. JPEG and BMP have no alpha, so Java's ImageIO writes nothing and returns false, which save does not look at. It returns as
# after a picture; the stream has got no byte. The same picture without alpha is written, and so is this one as PNG.
#
# Why it matters: a cut-out, or a PNG that a user has sent, opaque as it may be, is lost on its way to the disk or to the next
# server, where an empty picture is refused later and elsewhere. Convert it to RGB before.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/java.sh"

with_maven ai.djl:api:0.38.0 org.slf4j:slf4j-nop:2.0.17 <<'JAVA'
import ai.djl.modality.cv.ImageFactory;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

public class Program {
  /** How many bytes an opaque orange square, read from a PNG of this type, becomes in a format. */
  static int saved(int type, String format) throws IOException {
    var square = new BufferedImage(16, 16, type);
    for (int at = 0; at < 256; at++) square.setRGB(at % 16, at / 16, 0xffc86432);
    var png = new ByteArrayOutputStream();
    ImageIO.write(square, "png", png);
    var out = new ByteArrayOutputStream();
    ImageFactory.getInstance().fromInputStream(new ByteArrayInputStream(png.toByteArray())).save(out, format);
    System.out.println((type == BufferedImage.TYPE_INT_RGB ? "RGB" : "RGBA") + " as " + format + ": " + out.size() + " bytes");
    return out.size();
  }

  static void check(boolean holds) {
    if (!holds) throw new AssertionError("not as described");
  }

  public static void main(String[] arguments) throws IOException {
    for (var format : new String[] {"png", "jpg", "bmp"}) check(saved(BufferedImage.TYPE_INT_RGB, format) > 50);
    check(saved(BufferedImage.TYPE_INT_ARGB, "png") > 50);
    for (var format : new String[] {"jpg", "jpeg", "bmp"}) check(saved(BufferedImage.TYPE_INT_ARGB, format) == 0);
  }
}
JAVA
