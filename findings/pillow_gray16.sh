#!/usr/bin/env bash
# A grey PNG of 16 bits turns almost white in Pillow, the same picture in colour does not.
#
# Seen with Pillow 13.0 (and 12.3). A valid 16-bit grey PNG opens in mode I;16, and convert("RGB"), as
# diffusers' load_image and most servers do with a reference picture, clips every sample at 255
# instead of scaling it: all that is brighter than 0.4 % of white becomes white. The same samples in a
# 16-bit colour PNG open in mode RGB with their upper eight bits, cut and not rounded.
#
# Why it matters: depth maps, scans and masks come as 16-bit grey. Who decodes by PNG's rules, sample *
# 255 / 65535, feeds the network another picture than the reference pipeline, which sees a white one.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

program() {
  cat <<'PY'
import io
import struct
import zlib

from PIL import Image

GREY, COLOUR = 0, 2
SAMPLES = [0, 255, 256, 0x7FFF, 0x8000, 0xFFFF]


def png16(colour_type, channels):
    """One row of SAMPLES, each in all channels."""
    def chunk(name, data):
        return (struct.pack(">I", len(data)) + name + data
                + struct.pack(">I", zlib.crc32(name + data)))
    row = b"\0" + b"".join(struct.pack(">H", s) * channels for s in SAMPLES)
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", len(SAMPLES), 1, 16, colour_type, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b""))


def reds(picture):
    return [picture.convert("RGB").getpixel((x, 0))[0] for x in range(len(SAMPLES))]


by_the_standard = [round(sample * 255 / 65535) for sample in SAMPLES]
grey = Image.open(png16(GREY, 1))
colour = Image.open(png16(COLOUR, 3))
print("samples        ", SAMPLES)
print("by the standard", by_the_standard)
print("grey           ", reds(grey), grey.mode)
print("colour         ", reds(colour), colour.mode)
assert grey.mode == "I;16" and reds(grey) == [0, 255, 255, 255, 255, 255]
assert colour.mode == "RGB" and reds(colour) == [sample >> 8 for sample in SAMPLES]
PY
}

program | with_packages pillow==13.0.0
program | with_packages pillow==12.3.0
