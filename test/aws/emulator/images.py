"""What an image means here: which programs are first on PATH. Nothing is pulled."""

from __future__ import annotations

import fnmatch
import os
import shutil
import sys
from pathlib import Path
from typing import Callable

HOST_PATH = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
# Patterns of image names -> {path, env, entrypoint, prefix} or {pullError}; set by tests.
told: dict[str, dict] = {}
_resolvers: list[Callable[[str], dict | None]] = []


def register(resolver: Callable[[str], dict | None]) -> None:
    """Adds one that knows images of its own; it answers nothing for others."""
    _resolvers.append(resolver)


def resolve(image: str) -> dict:
    for resolver in _resolvers:
        found = resolver(image)
        if found is not None:
            return found
    for pattern, found in told.items():
        if fnmatch.fnmatch(image, pattern):
            return found
    return {}


def pull_error(image: str) -> str | None:
    """Why a machine could not pull it."""
    known = resolve(image).get("pullError")
    if known is not None:
        return known
    if "no-such-image" in image:
        return (
            "CannotPullContainerError: The task cannot pull the image from the registry: "
            f"Error response from daemon: manifest for {image} not found: manifest unknown"
        )
    return None


def path_of(image: dict) -> str:
    prefix = image.get("prefix")
    folders = [*image.get("path", []), *([os.path.join(prefix, "bin")] if prefix else [])]
    return os.pathsep.join([*folders, HOST_PATH, str(_python_folder())])


def _python_folder() -> Path:
    """Images of Python have a `python`; machines may have only a `python3`."""
    folder = Path(os.environ["TRAINYARD_EMULATOR_DIR"]) / "bin"
    if not folder.exists():
        folder.mkdir(parents=True)
        program = shutil.which("python3", path=HOST_PATH) or sys.executable
        (folder / "python").symlink_to(program)
    return folder
