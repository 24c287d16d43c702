"""A store, a science and addresses with hostile text in every field that a page shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from poets_core.runs.artifacts import save_upload
from poets_core.runs.datasets import keep
from poets_core.runs.event_fields import MeasuredWell, PresentedPair, VerdictFacts
from poets_core.runs.events import Asked, Compared, ContestPlayed, Event, Failed, Finished, Observed, Prepared, Updated
from poets_core.runs.laboratory_events import Measured
from poets_core.runs.sql import SqlStore
from poets_core.spec import ExperimentSpec
from poets_core.types import Objective
from tests.pages import written, written_experiment

# One text of each kind, short enough for a policy's name. The underscore tells escaped text from text as it is.
HOSTILE = (
    "![i](http://x_.evil.test/i.png)",
    "[l](http://x_.evil.test/l)",
    "http://x_.evil.test/b www.x_.evil.test a@x_.evil.test",
    "<img src=http://x_.evil.test/h.png> <b>x_.evil.test</b>",
    "<a href='http://x_.evil.test/a'>x_.evil.test</a>",
    ":red[x_.evil.test] :material/home: :smile: x_.evil.test",
    "**x_.evil.test** `x` $x_.evil.test$ ~~y~~ -> |a|",
    "# x_.evil.test\n\n- b\n\n![j](http://x_.evil.test/j.png)",
    "\u202ex_.evil.test\u202c \u200b\x00\x1b[31m \ud800 %{y} x_.evil.test",
)
MARK = "x_.evil"
ESCAPED = "x\\_.evil"
PATH = "/srv/inner/deep/place"
LONG = "A" * 3000 + " " + HOSTILE[0]


def text(k: int, most: int = 80) -> str:
    """The k-th hostile text."""
    return HOSTILE[k % len(HOSTILE)][:most]


def told(k: int, most: int = 80) -> str:
    """The k-th hostile text that a spec takes: without NUL and half characters, which are refused there."""
    return text(k, most).replace("\x00", "").replace("\ud800", "")


NAMES = tuple(f"{k} {told(k, 70)}" for k in range(9))


@dataclass(frozen=True)
class Runs:
    """Ids of the runs that were written."""

    search: str
    failed: str
    experiment: str
    judged: str
    laboratory: str

    def addresses(self) -> list[tuple[str, dict[str, str]]]:
        """Every page with every parameter that it reads, as a person or an attacker would give it."""
        evil = {"run": text(2), "id": text(0), "page": text(0), "problem": text(2), "preset": text(0)}
        asked: list[tuple[str, dict[str, str]]] = [("pages/search/runs.py", {}), ("pages/search/runs.py", evil)]
        asked += [("pages/search/launch.py", {}), ("pages/search/launch.py", evil)]
        asked += [("pages/search/launch.py", {"problem": "evil/evil"})]
        pages = ("search/live", "search/candidates", "search/measure", "analyse/variants", "analyse/data")
        for page in (*pages, "analyse/policies", "analyse/judge", "analyse/compare"):
            path = f"pages/{page}.py"
            asked += [(path, {}), (path, evil), (path, evil | {"run": HOSTILE[0]})]
            asked += [
                (path, {"run": run})
                for run in (self.search, self.failed, self.experiment, self.judged, self.laboratory)
            ]
        asked += [
            ("pages/search/candidates.py", {"run": self.search, "id": id}) for id in (text(0), text(2), "0-0", "0-3")
        ]
        asked += [("pages/search/candidates.py", {"run": self.search, "export": text(0)})]
        asked += [("pages/analyse/compare.py", {"runs": f"{self.search},{text(0)}", "measure": text(0)})]
        asked += [
            ("pages/analyse/policies.py", {"new": kind, "from": text(0)}) for kind in ("branches", "prompts", "log")
        ]
        asked += [("pages/analyse/judge.py", {"run": self.judged, "judge": told(k, 40)}) for k in range(len(HOSTILE))]
        return asked


def write(store: SqlStore) -> Runs:
    """Write a finished search, a failed one, a finished experiment, one that waits for people, and a laboratory's."""
    _data_set(store)
    return Runs(_search(store), _failed(store), _experiment(store), _judged(store), _laboratory(store))


def _events() -> list[Event]:
    out: list[Event] = []
    for k, event in enumerate(written.events(2)):
        if isinstance(event, Prepared) and event.info is not None:
            goal = Objective(told(1), told(4), "maximise", 1.0, told(0))
            info = replace(event.info, title=told(3), objectives=(goal,), facts={text(0): text(1)})
            event = replace(event, info=info, backbone={"source": text(0), text(2): text(3)})
        elif isinstance(event, Observed):
            details = {text(k): 1.5, text(k + 1): text(k + 2), LONG: [text(k + 3)]}
            event = replace(event, reason="" if event.valid else text(k) + LONG, details=details)
        elif hasattr(event, "candidates"):
            made = [
                replace(c, design=text(k + i) if i else c.design, text=text(k + i + 4), reason=text(i))
                for i, c in enumerate(event.candidates)
            ]
            event = replace(event, candidates=tuple(made))
        out.append(event)
    metrics = written_experiment.metrics(NAMES[:3], [(0, 1, "first"), (1, 2, "tie")])
    verdict = VerdictFacts("winner", NAMES[0], 0.05, 2, NAMES[:1], text(2))
    out.append(ContestPlayed(1, 4, ((NAMES[0], NAMES[1], "first"), (NAMES[1], NAMES[2], "tie")), metrics, verdict))
    return out


def _search(store: SqlStore) -> str:
    return written.write(store, [*_events(), Finished(text(0))], label=told(2, 120))


def _data_set(store: SqlStore) -> None:
    """A table that was kept under a hostile name, with a hostile report."""
    path = save_upload(store, "table.csv", b"variant,fitness\nAC,1\nAD,2\n")
    lines = tuple(text(k, 200) for k in range(len(HOSTILE)))
    keep(store, told(1, 60), path, "protein/landscape", {"value_column": told(0, 60)}, lines)


def _laboratory(store: SqlStore) -> str:
    """A batch that is out, with results whose notes, controls and wells are hostile, some of them handed in twice."""
    out: list[Event] = []
    for event in _events():
        if isinstance(event, Prepared) and event.info is not None:
            event = replace(event, info=replace(event.info, answered_by="people"))
        if isinstance(event, Observed | Updated) and event.round == 1:
            continue
        if isinstance(event, ContestPlayed):
            continue
        out.append(event)
    ids = [c.id for e in out if hasattr(e, "candidates") and e.round == 1 for c in e.candidates if c.design]
    for command in (1, 2):
        wells = [MeasuredWell(id, "", text(k, 20), None if k % 2 else 1.5, text(k, 200), k) for k, id in enumerate(ids)]
        wells.append(MeasuredWell("", text(command, 60), "", 0.5, text(3, 200), 90))
        out.append(Measured(1, tuple(wells[: 2 + command]), command, text(0), "0" * 64))
    return written.write(store, out, label=told(3, 120))


def _failed(store: SqlStore) -> str:
    why = f"cannot open {PATH}/file.csv {LONG}{text(2)}{HOSTILE[7]}"
    return written.write(store, [*_events(), Failed(text(0), why)], label=told(0, 120))


def _experiment(store: SqlStore) -> str:
    moves = [(0, 1, "first"), (1, 2, "tie"), (2, 3, "second"), (0, 4, "first"), (0, 5, "first"), (0, 6, "first")]
    body = written_experiment.course(moves, names=NAMES, prompt=HOSTILE[7] + LONG)
    body = [replace(e, judge=text(i, 40)) if isinstance(e, Compared) else e for i, e in enumerate(body)]
    body.append(Asked((PresentedPair(90, NAMES[7], NAMES[8], 90, text(0), (HOSTILE[7], HOSTILE[3])),)))
    end = written_experiment.verdict("undecided", None, len(moves), NAMES)
    end = [replace(e, why=text(2)) if hasattr(e, "why") else e for e in end]
    made = written_experiment.spec("replay", NAMES)
    return written_experiment.write(store, made.model_copy(update={"label": told(1, 120)}), [*body, *end])


def _judged(store: SqlStore) -> str:
    made = written_experiment.spec("person", NAMES)
    body: list[Event] = [*written_experiment.prepared(NAMES, warnings=[text(0), LONG], problem=False)]
    for k, first in enumerate(HOSTILE):
        pair = PresentedPair(k, NAMES[k], NAMES[(k + 1) % 9], k, text(k), (first, HOSTILE[(k + 1) % 9]))
        body.append(Asked((pair,)))
    body += [Compared(0, NAMES[0], NAMES[1], "first", text(0, 40), None, False)]
    body += [Updated(1, written_experiment.metrics(NAMES, [(0, 1, "first")]), seconds=0.1)]
    assert isinstance(made, ExperimentSpec)
    spec = made.model_copy(update={"label": told(4, 120)})
    return written_experiment.write(store, spec, body, release=False)


SCIENCE = """
from domains.entry import CSV, Entry, Parameter, Science, Export
H = {hostile!r}
SCIENCE = Science(
    name="evil", title=H[2], design=H[0],
    problems=(Entry(
        name="evil/evil", loader="nowhere:Nothing", title=H[0], summary=H[2], objective=H[3], unit=H[4],
        seconds=1e-5, tokens=lambda params: 4,
        parameters=(
            Parameter("size", "int", 12, H[0] + H[2], 6, 200),
            Parameter("word", "text", "a", H[3], 1, 200),
            Parameter("flag", "bool", True, H[5]),
            Parameter("kind", "text", H[6], H[6], choices=(H[6], H[1])),
            Parameter("table", "file", None, H[1]),
        ),
        reads=H[1] + H[6],
    ),),
    exports=(Export("evil", H[0], "csv", "text/csv"),),
)
"""


def write_science(folder: Path) -> None:
    """Write a science whose every word is hostile into a folder for POETS_DOMAINS, and one that is broken."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "poets_evil.py").write_text(SCIENCE.format(hostile=[told(k) for k in range(9)]), encoding="utf-8")
    why = f"{HOSTILE[0]}{HOSTILE[2]} {PATH}/file.csv"
    (folder / "poets_broken.py").write_text(f"raise ValueError({why!r})\n", encoding="utf-8")
