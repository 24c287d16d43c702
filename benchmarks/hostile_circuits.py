"""Fuzz of the door for circuits: made, mutated and hostile texts; none may crash, hang, read a file or take 1 GB.

    python -m benchmarks.hostile_circuits --seconds 60 --json

A text is either read or refused in words that begin with "Expected". What a text takes is processor time of the reading
process from question to answer, its start not counted, and wall time, which on a shared machine is longer; memory is
the largest that a reading process had.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.memory import peak_bytes
from benchmarks.report import Goal, finish
from domains.quantum.artificial import Artificial7q
from domains.quantum.door.express import express
from domains.quantum.door.foreign import read_circuit_file
from domains.quantum.door.reader import Reader
from domains.quantum.door.standard import STANDARD
from domains.quantum.tfim import Tfim6
from poets_core.errors import InvalidDesign
from poets_core.keyed import rng_for

SECRET = "hunter2-in-a-file"
HEAD, HEAD2 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n', 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
CORPUS = (
    HEAD + "qubit[6] q;\nbit[6] c;\nh q[0];\nry(pi/4) q[1];\ncx q[0], q[1];\nbarrier q;\nc = measure q;\n",
    HEAD + "input float[64] theta;\nqubit[6] q;\nrz(2*theta) q[0];\nrzz(theta) q[0], q[1];\n",
    HEAD + "const float a = pi/8;\nqubit[6] q;\nfor int i in [0:2:4] { rx(a*i) q[i]; cx q[i], q[i+1]; }\n",
    HEAD + "gate g(a, b) x, y { rz(a) x; cx x, y; gphase(b); }\nqubit[6] q;\ng(1, 2.5) q[0], q[1];\n"
    "ctrl @ g(.1, .2) q[0], q[1], q[2];\n",
    HEAD + "qubit[6] q;\nlet a = q[0:2] ++ q[{4,5}];\nh a;\ninv @ pow(2) @ s a[-1];\nnegctrl @ x q[0], q[1];\n",
    HEAD + "gphase(pi/4);\nh $0;\ncx $0, $1;\nU(.1,.2,.3) $2;\n",
    HEAD + "qubit[6] q;\n@note a\n#pragma b\nif (1 == 1) { h q[0]; } else { x q[0]; }\nint n = 3;\nn += 1;\nx q[n];\n",
    HEAD2 + "qreg q[6];\ncreg c[6];\nh q;\nu3(pi*0.5,0,-pi^2) q[1];\ncu1(pi/2) q[0],q[1];\nmeasure q -> c;\n",
    HEAD2 + "gate rzx(p) a,b { h b; cx a,b; rz(p) b; cx a,b; h b; }\nopaque f a;\nqreg in[3];\nqreg w[3];\n"
    "rzx(1/3) in[0],w[1];\nswap in,w;\n",
    HEAD2 + "qreg q[6];\ncreg c[6];\nif(c==1) x q[0];\nreset q[0];\nccx q[0],q[1],q[2];\n",
)
"""What is mutated: one of each kind."""
PIECES = ("[", "{", "(", "-1", "1/2", "nan", "inf", "1e999", "$99999999999", ";", "@", '"', "ctrl @ ", "**")


def _hostile(rng: np.random.Generator, folder: Path) -> str:
    """A text that is made to do harm, with sizes drawn."""
    n = int(10 ** rng.uniform(0, 4.2))
    deep = int(rng.integers(2, 45))
    kinds = (
        f'OPENQASM 3.0;\ninclude "{folder / "secret.inc"}";\nqubit[2] q;\nh q[0];',
        f'OPENQASM 2.0;\ninclude "{folder / "secret.inc"}";\nqreg q[2];\nh q[0];',
        HEAD + f"qubit[{10 ** int(rng.integers(1, 300))}] q;\nh q;",
        HEAD + "qubit[6] q;\nrx(" + "(" * n + "1" + ")" * n + ") q[0];",
        HEAD + "qubit[6] q;\nrx(" + "-" * n + "1) q[0];",
        HEAD + "qubit[6] q;\nrx(" + "1+" * n + "1) q[0];",
        HEAD + "qubit[6] q;\nrx(" + "2**" * min(n, 600) + "2) q[0];",
        HEAD + "qubit[6] q;\n" + "{" * n + "h q[0];" + "}" * n,
        HEAD + "qubit[6] q;\n" + "if (true) " * min(n, 190) + "h q[0];",
        HEAD
        + "gate g0 a { h a; t a; }\n"
        + "".join(f"gate g{k + 1} a {{ g{k} a; g{k} a; }}\n" for k in range(deep))
        + f"qubit[6] q;\n{rng.choice(['', 'inv @ ', 'ctrl @ ', 'pow(.5) @ '])}g{deep} q[0];",
        HEAD + "qubit[6] q;\n" + "".join(f"for int i{k} in [0:{n}] {{" for k in range(deep)) + "x q[0];" + "}" * deep,
        HEAD + f"qubit[6] q;\nfor int i in [0:{10 ** int(rng.integers(1, 40))}] {{ }}\nh q[0];",
        HEAD
        + "qubit[24] q;\n"
        + f"ctrl({int(rng.integers(1, 30))}) @ " * int(rng.integers(1, 4))
        + "u3(.1,.2,.3) "
        + ", ".join(f"q[{k}]" for k in range(int(rng.integers(2, 24))))
        + ";",
        HEAD
        + "qubit[6] q;\n"
        + f"pow({rng.normal() * 10 ** rng.uniform(-3, 300)}) @ " * int(rng.integers(1, 5))
        + "cu(.1,.2,.3,.4) q[0], q[1];",
        HEAD
        + "gate g(a) x, y, z { rx(a) x; cx x, y; ccx x, y, z; ch y, z; }\nqubit[8] q;\n"
        + "ctrl @ pow(.37) @ g(.1) q[0], q[1], q[2], q[3];\n" * int(rng.integers(1, 30)),
        HEAD + "qubit[6] q;\n" + "h q[0];" * min(n, 9000),
        HEAD + "qubit[6] q;\n" + "ctrl @ inv @ pow(2) @ x q[0], q[1];" * min(n, 1500),
        HEAD + "qubit[6] q;\n" + "cx q[0], q[1]\n" * min(n, 4000),
        HEAD + "qubit[6] q;\nrx(" + "9" * n + "e" + "9" * int(rng.integers(1, 9)) + ") q[0];",
        HEAD + "let a = q;" * min(n, 4000) + "qubit[6] q;" + "let b = q ++ q;" * min(n, 900) + "h b;",
        HEAD + "qubit[6] q;\nlet a0 = q;\n" + "".join(f"let a{k + 1} = a{k} ++ a{k};" for k in range(deep)) + "x q[0];",
        *(piece * n + ";" for piece in ("/*", '"', "@", "include ", "OPENQASM ", "\0", "\u2028")),
    )
    return str(rng.choice(np.array(kinds, dtype=object)))


def _made(rng: np.random.Generator) -> str:
    """A plausible circuit of gates drawn by name."""
    size, lines = int(rng.integers(2, 7)), []
    for _ in range(int(rng.integers(1, 25))):
        name = str(rng.choice(sorted(STANDARD)))
        known = STANDARD[name]
        angles = ", ".join(
            str(rng.choice(["pi/4", "0.3", "-pi", "2*pi/3", "1e-3", "tau/8"])) for _ in range(known.params)
        )
        wires = ", ".join(f"q[{k}]" for k in rng.integers(0, size + (rng.random() < 0.02), known.qubits))
        modifier = str(rng.choice(["", "", "", "", "inv @ ", "pow(2) @ "]))
        lines.append(f"{modifier}{name}{f'({angles})' if angles else ''} {wires};")
    return HEAD + f"qubit[{size}] q;\n" + "\n".join(lines)


def _mutated(rng: np.random.Generator) -> str:
    """A text of the corpus, some pieces of it cut out, doubled, swapped with those of another, or changed."""
    text = str(rng.choice(np.array(CORPUS, dtype=object)))
    for _ in range(int(rng.integers(1, 6))):
        a, b = sorted(rng.integers(0, len(text) + 1, 2).tolist())
        b = min(b, a + 40)
        other = str(rng.choice(np.array(CORPUS, dtype=object)))
        c = int(rng.integers(0, len(other)))
        piece = (
            "",
            text[a:b] * int(rng.integers(2, 50)),
            other[c : c + 30],
            chr(int(rng.integers(0, 0x2FFF))),
            str(rng.choice(np.array(PIECES, dtype=object))),
        )[int(rng.integers(0, 5))]
        text = text[:a] + piece + text[b:]
    return text


def _seconds(process: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fuzz(seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """Read texts for some time.

    Args:
        seconds: wall time; seed: of the texts.
        folder: where a file lies that no text may make the process read.

    Returns:
        ``texts``, ``read``, ``expressed``, ``processor_seconds`` and ``slowest`` (s, of one
        text), ``peak_bytes``, ``faults``, ``leaks``.
    """
    (folder / "secret.inc").write_text(f"{SECRET}\n")
    languages = [Artificial7q(max_ops=60).language, Tfim6(max_cx=20, iterations=1).language]
    counts: Counter[str] = Counter()
    slowest, busiest, peak, faults = (0.0, ""), 0.0, 0, []
    began = time.monotonic()
    reader = Reader()
    while time.monotonic() - began < seconds:
        rng = rng_for(seed, "circuits", counts["texts"])
        kind = ("mutated", "made", "hostile")[int(rng.choice(3, p=[0.5, 0.2, 0.3]))]
        text = _mutated(rng) if kind == "mutated" else _made(rng) if kind == "made" else _hostile(rng, folder)
        counts["texts"] += 1
        if reader._child is None or reader._child.poll() is not None or reader._killed > 2:
            reader.__exit__(None, None, None)
            reader = Reader()
            reader.ask({"text": "qubit q; h q;", "version": 3, "opaque": []})  # its start is not counted
        start, before = time.monotonic(), _seconds(reader._child.pid) if reader._child else 0.0
        try:
            foreign = read_circuit_file(text, reader=reader)
            counts["read"] += 1
            express(foreign, languages[counts["texts"] % 2])
            counts["expressed"] += 1
        except InvalidDesign as error:
            said = str(error)
            counts["leaks"] += SECRET in said
            if not said.startswith("Expected ") or len(said) > 500:
                faults.append(f"{kind}: {said[:200]}")
        except Exception as error:  # what is looked for
            faults.append(f"{kind}: {type(error).__name__}: {error} in {text[:300]!r}")
        took = time.monotonic() - start
        slowest = max(slowest, (took, text[:120]))
        if reader._child is not None and reader._child.poll() is None:
            peak = max(peak, peak_bytes(reader._child.pid))
            busiest = max(busiest, _seconds(reader._child.pid) - before)
        else:
            counts["killed"] += 1
    reader.__exit__(None, None, None)
    return {
        **{name: counts[name] for name in ("texts", "read", "expressed", "killed", "leaks")},
        "processor_seconds": busiest,
        "slowest": slowest[0],
        "slowest_text": slowest[1],
        "peak_bytes": peak,
        "faults": faults[:20],
    }


def main() -> None:
    """Fuzz and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = fuzz(options.seconds, options.seed, Path(folder))
    goals = [
        Goal("crashes and messages that are none", len(found["faults"]), 0, "<="),
        Goal("file contents in a message", found["leaks"], 0, "<="),
        Goal(
            "processor time of the slowest text, s (Qiskit's import once, for a modifier, included)",
            found["processor_seconds"],
            3.5,
            "<=",
        ),
        Goal("wall time of the slowest text, s", found["slowest"], 5.0, "<="),
        Goal("largest memory of a reading process, GB", found["peak_bytes"] / 1e9, 1.0, "<="),
        Goal("texts", found["texts"], 1.0, ">="),
    ]
    finish(goals, found, {"seconds": options.seconds, "seed": options.seed}, as_json=options.json)


if __name__ == "__main__":
    main()
