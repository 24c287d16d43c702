"""Fill static/ with what the browser needs: plotly.min.js out of the installed plotly package.

The file is served at /app/static/plotly.min.js. It is neither committed nor
fetched: the package that requirements.txt pins holds it.
"""

from __future__ import annotations

import filecmp
import importlib.util
import os
import shutil
import sys
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "static"


def copy_plotly(target: Path = STATIC) -> Path:
    """Copy plotly.min.js into `target` unless the same file is there already.

    The package is located, not imported: an import costs a second.

    Args:
        target: folder that Streamlit serves.

    Returns:
        Path of the copy.

    Raises:
        FileNotFoundError: plotly is not installed, or its layout has changed.
    """
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("Expected the plotly package, got none. Run `pip install -r requirements.txt`.")
    source = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    if not source.is_file():
        raise FileNotFoundError(
            f"Expected plotly.min.js at {source}, got nothing. Install the plotly version of requirements.txt."
        )
    target.mkdir(parents=True, exist_ok=True)
    copy = target / source.name
    if not copy.is_file() or not filecmp.cmp(source, copy, shallow=False):
        # A browser may ask while we copy: it must see the old file or the new one, never half of one.
        part = target / f"{source.name}.{os.getpid()}.part"
        shutil.copyfile(source, part)
        part.replace(copy)
    return copy


if __name__ == "__main__":
    sys.stdout.write(f"{copy_plotly()}\n")
