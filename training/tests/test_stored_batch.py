"""The trainer's networks with the committed weights still compute what was stored: trainer, weights
and engine agree.
"""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (training/requirements.txt)")
safetensors = pytest.importorskip(
    "safetensors", reason="safetensors is not installed (training/requirements.txt)"
)
pytest.importorskip("diffusers", reason="diffusers is not installed (training/requirements.txt)")

from safetensors.torch import load_file

from training.paperland import load_exported
from training.paths import WEIGHTS
from training.record_batch import BATCH, forward

pytestmark = pytest.mark.skipif(
    not (BATCH.exists() and (WEIGHTS / "model_index.json").exists()),
    reason="the stored batch or models/paperland is missing",
)
# float32 on other cores and thread counts differs by 1e-6; a wrong tap or rotation by 1e-1.
_RELATIVE_ERROR_MAX = 1e-4


def test_the_forward_pass_gives_the_stored_prompt_states_and_velocity():
    stored = load_file(BATCH)
    with safetensors.safe_open(BATCH, "pt") as file:
        grid = int(file.metadata()["rows"]), int(file.metadata()["columns"])
    states, velocity = forward(
        load_exported(WEIGHTS),
        stored["input_ids"],
        stored["noisy_latents"],
        stored["timestep"],
        grid,
    )
    for name, found in (("prompt_embeds", states), ("velocity", velocity)):
        error = ((found - stored[name]).norm() / stored[name].norm()).item()
        assert error < _RELATIVE_ERROR_MAX, f"{name}: relative error {error:.1e}"
