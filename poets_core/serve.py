"""How `poets app` starts the app: Streamlit on this machine alone, from any folder.

The settings are those of .streamlit/config.toml beside app.py, which Streamlit reads after the files of the user and of
the current folder, so that theirs do not change ours. plotly.js comes out of the installed plotly package;
`python -m poets_core.serve` copies it and does nothing else.
"""

from __future__ import annotations

import filecmp
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from poets_core.errors import InvalidInput, MissingPackage
from poets_core.hosts import allowed_hosts

HERE = Path(__file__).resolve().parents[1]
EXTRA = "Run `pip install 'poets[app]'`, or `pip install -r requirements.txt` in a copy of the sources."


def app_file() -> Path:
    """Return app.py: in the folder `poets_app` of an installed package, or at the top of the sources.

    Raises:
        InvalidInput: it is in neither place.
    """
    for path in (HERE / "poets_app" / "app.py", HERE / "app.py"):
        if path.is_file():
            return path
    raise InvalidInput(f"Expected the app beside poets_core in {HERE}, got none. Install the package again.")


def prepare_static(target: Path) -> Path:
    """Copy plotly.min.js into the folder that Streamlit serves as /app/static/, unless the same file is there already.

    The plotly package is located, not imported: an import costs a second.

    Args:
        target: the folder; it is made where it is missing.

    Returns:
        Path of the copy.

    Raises:
        MissingPackage: plotly is not installed.
        InvalidInput: it has another layout, or the folder cannot be written.
    """
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise MissingPackage(f"Expected the plotly package, got none. {EXTRA}")
    source = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    if not source.is_file():
        raise InvalidInput(f"Expected plotly.min.js at {source}, got nothing. Install the version of requirements.txt.")
    copy = target / source.name
    if copy.is_file() and filecmp.cmp(source, copy, shallow=False):
        return copy
    # A browser may ask while we copy: it must see the old file or the new one, never half of one.
    part = target / f"{source.name}.{os.getpid()}.part"
    try:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part)
        part.replace(copy)
    except OSError as error:
        raise InvalidInput(
            f"Expected to copy plotly.min.js into {target}, got: {error}. Start the app once as that folder's owner."
        ) from error
    return copy


def start(words: Sequence[str] = ()) -> NoReturn:
    """Become the server of the app; Ctrl-C or a signal ends it.

    Args:
        words: further options of `streamlit run`.

    Raises:
        MissingPackage: Streamlit or plotly is not installed.
        InvalidInput: the app is not installed, its folder cannot be written, or POETS_HOSTS names no hosts.
    """
    allowed_hosts()  # what is wrong with the setting is said here, not by the server's traceback
    if importlib.util.find_spec("streamlit") is None:
        raise MissingPackage(f"Expected Streamlit, which the app needs, got none. {EXTRA}")
    app = app_file()
    prepare_static(app.parent / "static")
    # Without -P a file of the current folder, numpy.py say, would be imported instead of the installed module.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(app), *words]
    sys.stdout.flush()
    os.execv(sys.executable, command)


if __name__ == "__main__":
    sys.stdout.write(f"{prepare_static(app_file().parent / 'static')}\n")
