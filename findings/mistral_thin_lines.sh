#!/usr/bin/env bash
# Of a picture that is too large for the model mistral-common shows it some pixels and not others: thin lines vanish, or are more than twice as thick.
#
# Seen with mistral-common 1.13.1, OpenCV 4.11.0.86 and Pillow 13.0.0. Pictures are made smaller with OpenCV's INTER_CUBIC, which reads four by four pixels
# around a place, however many it stands for. Of 6160 pixels, where a model takes 1540, white lines one pixel thick and eight apart, an eighth of the
# picture, come out as nothing (darker than black: nothing is cut off either) or as three tenths, by where they begin. Pillow's bicubic filter, which
# transformers has for the same models (`resample` of PixtralImageProcessor is BICUBIC), reads all that a pixel stands for: an eighth, wherever they
# begin. The text of mistral-common says "resizes with cubic interpolation", OpenCV's that INTER_AREA is for shrinking.
#
# Why it matters: what a model is shown of a drawing, a table or a screenshot depends on the library that a server reads pictures with. FLUX.2 [dev]
# reads its prompts with a model of this family, which takes pictures too. Make large pictures smaller before, with a filter that averages.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages "mistral-common[image]==1.13.1" opencv-python-headless==4.11.0.86 numpy==1.26.4 pillow==13.0.0 <<'PY'
import numpy as np
from mistral_common.protocol.instruct.chunk import ImageChunk
from mistral_common.tokens.tokenizers.image import DATASET_MEAN, DATASET_STD, ImageConfig, ImageEncoder, SpecialImageIDs
from PIL import Image

FROM, TO, APART = 6160, 1540, 8
encoder = ImageEncoder(ImageConfig(image_patch_size=14, max_image_size=TO, spatial_merge_size=2),
                       SpecialImageIDs(img=10, img_break=12, img_end=13))


def greys(begin):
    """The mean of a row, of 1, as the model gets it and as Pillow's filter makes it."""
    row = np.zeros(FROM, np.uint8)
    row[begin::APART] = 255
    picture = Image.fromarray(np.repeat(np.tile(row, (FROM // 16, 1))[..., None], 3, axis=2))
    shown = encoder(ImageChunk(image=picture)).image.transpose(1, 2, 0) * DATASET_STD + DATASET_MEAN
    height, width = shown.shape[:2]
    assert width == TO
    filtered = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC)) / 255
    means = []
    for pixels in (shown, filtered):
        row = pixels[height // 2, 8:-8, 0]
        means.append(float(row.mean()))
        name = "mistral-common" if pixels is shown else "Pillow"
        print(f"lines from {begin}, by {name}: {row.min():.3f} to {row.max():.3f}, in the mean {row.mean():.3f}")
    return means


for begin in range(APART):
    shown, filtered = greys(begin)
    assert abs(filtered - 1 / APART) < 0.005
    assert shown > 0.29 if begin % 4 in (1, 2) else shown < 0
PY
