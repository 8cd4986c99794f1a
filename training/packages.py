"""Pinned npm packages of drawings and words, fetched into a cache outside the repository with npm's
ordinary client; PAPERLAND_CACHE names another folder than ~/.cache/paperland.
"""

import os
import subprocess
import tarfile
from pathlib import Path


def cache_folder():
    return Path(os.environ.get("PAPERLAND_CACHE", Path.home() / ".cache" / "paperland"))


def fetch(package, version, members):
    """The folder of a package with the given members of it (paths in the package), fetched when
    they are not there yet.
    """
    cache = cache_folder()
    folder = cache / f"{package.split('/')[-1]}-{version}"
    if all((folder / member).exists() for member in members):
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(
        ["npm", "pack", "--silent", f"{package}@{version}", "--pack-destination", cache],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()[-1]
    with tarfile.open(cache / packed) as archive:
        for member in members:
            path = folder / member
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            part.write_bytes(archive.extractfile(f"package/{member}").read())
            part.replace(path)
    return folder
