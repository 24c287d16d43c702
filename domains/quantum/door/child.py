"""The process that parses circuits: a question a line on stdin, an answer a line on stdout, both JSON.

    python -m domains.quantum.door.child

Started by `reader`. Limits come first: memory, processor time for each text, no file but those of Python's packages,
no network, no other process.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import resource
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidDesign

MEMORY = 1 << 30
"""Address space, bytes."""
CPU_SECONDS = 2.0
"""Processor time for one text; imports are not counted."""
_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename")


def limit() -> None:
    """Take away what a reader does not need; cannot be undone in this process."""
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        hard = resource.getrlimit(kind)[1]
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (wanted, wanted))
    # Compiled modules cannot be written either, and trying would end in SIGXFSZ.
    sys.dont_write_bytecode = True
    tempfile.tempdir = os.sep  # packages ask for its name as they are imported; else each folder is tried by writing
    sys.addaudithook(_guard(_homes()))


def _homes() -> tuple[str, ...]:
    paths = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *sys.path}
    here = Path(__file__).resolve().parents[3]
    return tuple({os.path.realpath(p) for p in paths if p} | {str(here)})


def _guard(homes: tuple[str, ...]) -> Callable[[str, tuple[Any, ...]], None]:
    """Return a hook that lets Python read its own packages, and nothing else."""

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            raise PermissionError(f"{event} is not allowed here")
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path != os.devnull and not any(
                path == home or path.startswith(home.rstrip("/") + "/") for home in homes
            ):
                raise PermissionError("only packages are read here")

    return guard


def _timed(seconds: float) -> None:
    # The default action ends the process: nothing that holds the interpreter can keep it.
    signal.setitimer(signal.ITIMER_PROF, seconds)


def load(call: Callable[[], Any]) -> Any:
    """Call what imports packages, the time for the text standing still.

    To be called once: a clock that is set again gains a tick each time.
    """
    left = signal.getitimer(signal.ITIMER_PROF)[0]
    _timed(0)
    try:
        return call()
    finally:
        _timed(max(left, 0.01))


def read(text: str, version: int, opaque: list[str]) -> dict[str, Any]:
    """Parse a text that passed `prescan.scan`, and unroll it.

    Returns:
        ``qubits``, ``gates`` ([name, radians or null, qubits, line]), ``registers`` ([name, size]), ``notes``
        ([kind, lines]), ``inputs``, ``physical``, ``measured`` (qubits, in the order of the bits they are written to).

    Raises:
        InvalidDesign: names the line; quotes no more than names of the text.
    """
    from openqasm3 import parser

    from domains.quantum.door.unroll import Unroller

    said = io.StringIO()
    try:
        # ANTLR writes what it does not understand to stderr.
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            program = parser.parse(text)
    except RecursionError as error:
        raise InvalidDesign("Expected a text that is nested less deeply, got too many levels. Simplify it.") from error
    except MemoryError:
        raise
    except Exception as error:
        # Lexer, parser and tree builder have errors of their own; whatever they raise, the text is at fault.
        line = _line(error)
        where = f" on line {line}" if line else ""
        raise InvalidDesign(f"Expected OpenQASM {version}, got text that is none{where}. {_do(text, line)}") from error
    unroller = Unroller(version, opaque, load)
    unroller.program(program)
    gates = [
        [name, [None if math.isnan(p) else p for p in params], qubits, line]
        for name, params, qubits, line in unroller.gates
    ]
    return {
        "qubits": unroller.registers.count,
        "gates": gates,
        "registers": unroller.registers.declared,
        "notes": list(unroller.notes.items()),
        "inputs": sorted(unroller.inputs),
        "physical": unroller.registers.physical,
        "measured": [qubit for _, qubit in sorted(unroller.written.items())],
    }


def _do(text: str, line: int) -> str:
    """Return what to do about a line that cannot be parsed; 0: it is not known which."""
    # A parser is surprised by what follows a statement that is not ended.
    before = [(k, part.strip()) for k, part in enumerate(text.split("\n")[: max(line - 1, 0)], 1) if part.strip()]
    if before and before[-1][1][-1] not in ";{},(":
        return f"Line {before[-1][0]} before it does not end with ';': add it there."
    return "Compare the line with the language: gate name, angles in parentheses, qubits, ';'."


def _line(error: BaseException | None) -> int:
    """Return the line that a parser's error is about, 0 where it does not say."""
    seen = 0
    while error is not None and seen < 5:
        for inner in (error, *error.args):
            line = getattr(getattr(inner, "offendingToken", None), "line", None)
            if isinstance(line, int):
                return line
        words = str(error)
        if words.startswith("L") and words[1:].split(":")[0].isdigit():
            return int(words[1:].split(":")[0])
        error, seen = error.__cause__ or error.__context__, seen + 1
    return 0


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Return what was read, or the message that refuses it."""
    _timed(CPU_SECONDS)
    try:
        return read(question["text"], question["version"], question["opaque"])
    except InvalidDesign as error:
        return {"error": str(error)}
    except (RecursionError, MemoryError):
        return {"error": "Expected a circuit that can be read within the memory for it, got more. Make it smaller."}
    except Exception:
        # Whatever else happens while a foreign text is followed ends in words of ours: others may quote the text.
        return {"error": "Expected a circuit of gates on qubits, got something else that cannot be followed."}
    finally:
        _timed(0)


def main() -> None:
    """Answer until stdin ends."""
    limit()
    import openqasm3  # noqa: F401  before the first clock starts

    import domains.quantum.door.unroll  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
