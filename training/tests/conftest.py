"""Puts the repository on the path, so that `pytest training` works from anywhere; nothing here
needs PyTorch.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
