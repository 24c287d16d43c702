"""Start a program with less memory than this machine has: python limited.py BYTES PROGRAM ARGUMENTS...

The limits are set here and not between fork and exec of the worker, which has threads. Standard library only, and no
import of this project: the file is run by its path.
"""

from __future__ import annotations

import os
import resource
import sys


def main(words: list[str]) -> None:
    """Limit this process, then become the program."""
    for kind, wanted in ((resource.RLIMIT_AS, int(words[0])), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (most, most))
    try:
        os.execvp(words[1], words[1:])
    except OSError as error:
        sys.exit(f"{words[1]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
