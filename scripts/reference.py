"""Print the parts of the documentation that are taken from the code, and check that they are there.

    python -m scripts.reference              write them into their pages
    python -m scripts.reference --check      say which pages are out of date (exit code 1)
    python -m scripts.reference --print      print them

A page marks where a section goes:

    <!-- events: printed by python -m scripts.reference -->
    ...
    <!-- end of events -->

To add a section, write a function that returns its Markdown and name it with its page in `SECTIONS`.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from poets_core.runs.events import KINDS
from poets_core.runs.status import STATES
from poets_core.search.figures import FIGURES
from poets_core.spec import (
    METHODS,
    BackboneSpec,
    Budget,
    ContestSpec,
    ExperimentSettings,
    GivenAnswers,
    LogMapping,
    PolicySpec,
    RewardBackbone,
    RewardSettings,
)
from poets_core.spec.base import SpecModel

ROOT = Path(__file__).resolve().parent.parent
NESTED = ("method", "policies")
"""Fields that head a table of their own."""


def events() -> str:
    """Return the table of events: kind, class, when it is written, and its fields, out of the classes' docstrings."""
    rows = ["| kind | class | when | fields |", "|---|---|---|---|"]
    for kind, cls in KINDS.items():
        when = (inspect.getdoc(cls) or "").partition("\n\n")[0].replace("\n", " ").rstrip(".")
        explained = "; ".join(f"`{name}`: {text}" for name, text in attributes(cls).items())
        rows.append(f"| `{kind}` | `{cls.__name__}` | {when} | {explained} |")
    return "\n".join(rows)


def attributes(cls: type[Any]) -> dict[str, str]:
    """Return what a class says of its attributes, those of its bases first, in Google's form of docstrings.

    Args:
        cls: a dataclass.

    Raises:
        ValueError: a field that no docstring explains.
    """
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        section = (inspect.getdoc(base) or "").partition("Attributes:\n")[2] if "__doc__" in vars(base) else ""
        for name, text in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
            found[name] = " ".join(text.split()).rstrip(".")
    names = [field.name for field in fields(cls)]
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"Expected an explanation of every field of {cls.__name__}, got none of {missing}.")
    return {name: found[name] for name in names}


def quickstart() -> str:
    """Return the quickstart as a block of Python."""
    return f"```python\n{(ROOT / 'examples' / 'quickstart.py').read_text(encoding='utf-8')}```"


def fields_of(model: type[SpecModel]) -> str:
    """Return the table of a model's fields: name, default, limits, and what the form says of it."""
    rows = ["| field | default | limits | what |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if name in NESTED:
            continue
        usual = field.get_default(call_default_factory=True)
        default = "must be given" if field.is_required() else f"`{json.dumps(usual)}`"
        signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
        rules = [f"{signs[s]} {getattr(m, s):,.10g}" for m in field.metadata for s in signs if hasattr(m, s)]
        said = ". ".join(part for part in (field.title or "", field.description or "") if part)
        rows.append(f"| `{name}` | {default} | {', '.join(rules)} | {said.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def attributes_of(model: type[SpecModel]) -> str:
    """Return the table of a model whose fields its docstring explains: name, default, what."""
    section = (inspect.getdoc(model) or "").partition("Attributes:\n")[2]
    rows = ["| field | default | what |", "|---|---|---|"]
    for names, text in re.findall(r"^ {4}([\w, ]+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
        for name in names.split(", "):
            usual = json.dumps(model.model_fields[name].get_default(call_default_factory=True))
            rows.append(f"| `{name}` | `{usual}` | {' '.join(text.split()).rstrip('.')} |")
    return "\n".join(rows)


def spec() -> str:
    """Return the tables of a spec's fields, of every method's settings and of every experiment's."""
    out = []
    for heading, model in (("budget", Budget), ("backbone", BackboneSpec), ("contest", ContestSpec)):
        out.append(f"## `{heading}`\n\n{fields_of(model)}")
    for name, settings in METHODS.items():
        out.append(f"## `search`, method `{name}`\n\n{settings.title}. {settings.says}\n\n{fields_of(settings)}")
    out.append(f"## `experiment`\n\n{fields_of(ExperimentSettings)}")
    out.append(f"## `experiment.mapping`\n\n{attributes_of(LogMapping)}")
    out.append(f"## `experiment.policies`, each\n\n{fields_of(PolicySpec)}")
    learning = {"rewards": RewardSettings, "backbone": RewardBackbone, "given": GivenAnswers}
    out += [f"## `{name}`, of kind `rewards`\n\n{fields_of(model)}" for name, model in learning.items()]
    return "\n\n".join(out)


def metrics() -> str:
    """Return the table of a round's figures."""
    rows = ["| name | what | unit | reported by |", "|---|---|---|---|"]
    for figure in FIGURES:
        names = ", ".join(f"`{name}`" for name in figure.names)
        rows.append(f"| {names} | {figure.says} | {figure.unit} | {', '.join(figure.methods)} |")
    return "\n".join(rows)


def states() -> str:
    """Return the table of a run's states."""
    rows = ["| state | means | Resume |", "|---|---|---|"]
    rows += [f"| {state} | {means} | {resume} |" for state, (means, resume) in STATES.items()]
    return "\n".join(rows)


SECTIONS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "events": ("docs/architecture.md", events),
    "states": ("docs/architecture.md", states),
    "metrics": ("docs/architecture.md", metrics),
    "quickstart": ("README.md", quickstart),
    "spec": ("docs/reference/spec.md", spec),
}
"""Name of a section -> the page it stands in, and how it is printed."""


def placed(page: str, name: str, text: str) -> str:
    """Return a page with a section put between its marks.

    Raises:
        ValueError: the page does not have the marks once.
    """
    begin, end = f"<!-- {name}: printed by python -m scripts.reference -->", f"<!-- end of {name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        counts = page.count(begin), page.count(end)
        raise ValueError(f"Expected the lines {begin!r} and {end!r} once each, got {counts[0]} and {counts[1]}.")
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"


def outdated(root: Path = ROOT) -> dict[Path, str]:
    """Return the pages that do not say what the code says, with what they should be."""
    pages: dict[Path, str] = {}
    for name, (page, section) in SECTIONS.items():
        path = root / page
        pages[path] = placed(pages.get(path) or path.read_text(encoding="utf-8"), name, section())
    return {path: text for path, text in pages.items() if path.read_text(encoding="utf-8") != text}


def main() -> int:
    """Write, check or print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if a page is out of date")
    parser.add_argument("--print", action="store_true", help="print the sections")
    asked = parser.parse_args()
    if asked.print:
        for name, (_, section) in SECTIONS.items():
            print(f"{name}\n\n{section()}\n")
        return 0
    pages = outdated()
    for path, text in pages.items():
        print(f"{path.relative_to(ROOT)} {'is out of date' if asked.check else 'written'}", file=sys.stderr)
        if not asked.check:
            path.write_text(text, encoding="utf-8")
    return int(asked.check and bool(pages))


if __name__ == "__main__":
    sys.exit(main())
