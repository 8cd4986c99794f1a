"""Where weights lie."""

from pathlib import Path

_ROOT = Path(__file__).parents[1]
SHIPPED = _ROOT / "models" / "paperland"  # what the server carries
CHECKPOINT = _ROOT / "training" / "checkpoints" / "paperland-2"  # what training goes on from
