#!/usr/bin/env bash
# Java's libraries for pictures make greys brighter: 128 of a grey PNG or JPEG becomes 188.
#
# Seen with JDK 17.0.15, ai.djl:api 0.38.0, thumbnailator 0.4.21 and scrimage-core 4.6.6. PNG and JPEG keep greys by sRGB's curve, as
# they keep colours. ImageIO, with which all three read, takes the values of a grey file for linear ones, so getRGB bends them once more; drawing
# them into a picture in colour does not. DJL's resize, in the size the picture has, saves 128 as 188, and that as
# 223. Thumbnailator keeps grey, and makes 188 of grey with an alpha channel. Scrimage's pixel() says 188.
# The same grey as an RGB file stays 128 everywhere.
#
# Why it matters: black and white photographs, depth maps and masks become pale on their way through a service in Java, with no
# sign of it in tests with colours, black or white.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/java.sh"

with_maven ai.djl:api:0.38.0 net.coobird:thumbnailator:0.4.21 com.sksamuel.scrimage:scrimage-core:4.6.6 \
  org.slf4j:slf4j-nop:2.0.17 <<'JAVA'
import ai.djl.modality.cv.ImageFactory;
import com.sksamuel.scrimage.ImmutableImage;
import java.awt.Color;
import java.awt.color.ColorSpace;
import java.awt.image.*;
import java.io.*;
import java.util.Arrays;
import javax.imageio.ImageIO;
import net.coobird.thumbnailator.Thumbnails;

public class Program {
  static final int SIDE = 8;

  /** A flat picture of grey 128 with so many channels: 1 grey, 2 grey and alpha, 3 colour. */
  static byte[] file(int channels) throws IOException {
    var space = ColorSpace.getInstance(channels == 3 ? ColorSpace.CS_sRGB : ColorSpace.CS_GRAY);
    var model = new ComponentColorModel(space, channels == 2, false, channels == 2 ? 3 : 1, DataBuffer.TYPE_BYTE);
    var raster = model.createCompatibleWritableRaster(SIDE, SIDE);
    var pixel = new int[] {128, channels == 2 ? 255 : 128, 128};
    for (int at = 0; at < SIDE * SIDE; at++) raster.setPixel(at % SIDE, at / SIDE, pixel);
    var out = new ByteArrayOutputStream();
    ImageIO.write(new BufferedImage(model, raster, false, null), "png", out);
    check(stored(out.toByteArray()) == 128 && out.toByteArray()[25] == new int[] {0, 0, 4, 2}[channels]);
    return out.toByteArray();
  }

  /** The first channel's value in the middle, as the file has it. */
  static int stored(byte[] png) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(png)).getRaster().getSample(SIDE / 2, SIDE / 2, 0);
  }

  /** By DJL, in the size that it has. */
  static byte[] resized(byte[] png) throws IOException {
    var out = new ByteArrayOutputStream();
    ImageFactory.getInstance().fromInputStream(new ByteArrayInputStream(png)).resize(SIDE, SIDE, true).save(out, "png");
    return out.toByteArray();
  }

  static int thumbnailator(byte[] png) throws IOException {
    var out = new ByteArrayOutputStream();
    Thumbnails.of(new ByteArrayInputStream(png)).size(SIDE, SIDE).outputFormat("png").toOutputStream(out);
    return stored(out.toByteArray());
  }

  static int scrimage(byte[] png) throws IOException {
    return ImmutableImage.loader().fromBytes(png).pixel(SIDE / 2, SIDE / 2).red();
  }

  static void check(boolean holds) {
    if (!holds) throw new AssertionError("not as described");
  }

  public static void main(String[] arguments) throws IOException {
    byte[] grey = file(1), alpha = file(2), colour = file(3);
    var drawn = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    drawn.getGraphics().drawImage(ImageIO.read(new ByteArrayInputStream(grey)), 0, 0, null);
    int read = new Color(ImageIO.read(new ByteArrayInputStream(grey)).getRGB(4, 4)).getRed();
    System.out.println("Java " + Runtime.version() + ": getRGB of a grey file " + read + ", drawn into a picture in colour "
        + new Color(drawn.getRGB(4, 4)).getRed());
    check(read == 188 && new Color(drawn.getRGB(4, 4)).getRed() == 128);
    for (var of : new byte[][] {grey, colour}) {
      var seen = new int[] {stored(resized(of)), thumbnailator(of), scrimage(of)};
      System.out.println((of == grey ? "grey" : "colour") + " of 128 by DJL, Thumbnailator, Scrimage: "
          + Arrays.toString(seen));
      check(Arrays.equals(seen, of == grey ? new int[] {188, 128, 188} : new int[] {128, 128, 128}));
    }
    System.out.println("grey and alpha of 128 by Thumbnailator: " + thumbnailator(alpha));
    check(thumbnailator(alpha) == 188 && stored(resized(resized(grey))) == 223);
  }
}
JAVA
