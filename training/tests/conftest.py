"""Puts the repository on the path, so that `pytest training` works from anywhere, and fetches the
artwork; nothing here needs PyTorch.
"""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(scope="session")
def artwork_there():
    """Skips where the drawings can be neither found nor fetched."""
    from training import artwork, languages

    try:
        artwork.fetch()
        languages.fetch()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the artwork cannot be fetched: {error}")
