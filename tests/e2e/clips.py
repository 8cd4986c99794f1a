"""A model that says it was trained for clips: the small random weights of tests/golden. What it draws is
noise; that the noise is the model's is shown there."""

import json

from program import ROOT

FRAMES_PER_SECOND = 5


def clip_model(folder):
    """The model's folder, in a folder that is there."""
    model = folder / "tiny-clips"
    model.mkdir()
    for part in (ROOT / "tests/golden/a4").iterdir():
        (model / part.name).symlink_to(part)
    (model / "sampling.json").write_text(json.dumps(
        {"steps": 1, "guidance_scale": 1.0, "clip_frames": 9,
         "clip_frames_per_second": FRAMES_PER_SECOND}))
    return model
