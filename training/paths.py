"""Where weights lie."""

from pathlib import Path

WEIGHTS = Path(__file__).parents[1] / "models" / "paperland"  # what the server carries
