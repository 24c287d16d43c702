"""What a science tells the catalog about itself: its problems, backbones, drawings and exports.

Standard library only, and so are the modules that make these values: the
browser reads them without loading any science.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from domains.palette import Colours


@dataclass(frozen=True)
class Parameter:
    """One form field of a problem.

    Attributes:
        name: keyword of the problem's loader.
        kind: decides the widget and the validation; ``"file"`` is the path of an upload.
        default: value when the user says nothing; None means the user must say.
        help: one sentence for the form.
        minimum, maximum: inclusive limits of numbers, of lengths for text.
        choices: allowed values; empty means any.
        label: heading of the field; empty: the name, with spaces.
        area: of text: whether it has lines, as a FASTA record does.
        group: heading under which a form folds it together with others; empty: it stands open.
        endings: of a file that is no table: endings of its name, without the dot; empty: a table, whose first rows a
            form shows.
        wide: whether a form gives it a whole row.
        example: of a text: what stands in the empty field, greyed.
        browser: whether a page offers it. What names a program of this machine is for spec files alone.
    """

    name: str
    kind: Literal["int", "float", "text", "file", "bool"]
    default: int | float | str | bool | None
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    label: str = ""
    area: bool = False
    group: str = ""
    endings: tuple[str, ...] = ()
    wide: bool = False
    example: str = ""
    browser: bool = True

    @property
    def title(self) -> str:
        """What the field is called on the pages."""
        return self.label or self.name.replace("_", " ").capitalize()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One problem of the catalog.

    Attributes:
        name: ``"science/problem"``.
        loader: ``"module:class"``, imported when the problem is loaded.
        title, summary: for people; the summary is one or two sentences.
        objective, unit: name and unit of what is maximised.
        seconds: what one oracle call takes on one core, roughly; for the estimate before a run.
        tokens: parameters (defaults filled in) -> tokens of the longest design; for the same estimate.
        parameters: form fields.
        backbones: sources offered in Launch, the default first.
        settings: RunSpec fields that differ from the defaults for this problem,
            ``{"search": {...}, "budget": {...}, "backbone": {...}}``.
        reads: what the problem is as a benchmark or as science, said plainly.
        drawing: ``"module:function"`` if its designs are drawn otherwise than those of its science.
        check: ``"module:function"``, called with the parameters before a run exists, in a process with limits of memory
            and time; raises what the worker would. The loader itself where that takes a second at most. What it
            returns may have a
            `report` of the files that were read (``{"lines": [...], "facts": {...}}``), which form and command line
            show. ``""``: the parameters are checked against the form alone.
        people: parameters (defaults filled in) -> whether people answer, so that a form asks for plates and controls.
    """

    name: str
    loader: str
    title: str
    summary: str
    objective: str
    unit: str
    seconds: float
    tokens: Callable[[Mapping[str, Any]], int]
    parameters: tuple[Parameter, ...] = ()
    backbones: tuple[str, ...] = ("library",)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reads: str = ""
    drawing: str = ""
    check: str = ""
    people: Callable[[Mapping[str, Any]], bool] = lambda params: False

    @property
    def domain(self) -> str:
        """Name of the science the problem belongs to."""
        return self.name.split("/")[0]


@dataclass(frozen=True)
class ShippedBackbone:
    """A language model that comes with a science.

    Attributes:
        name: as a RunSpec says it.
        title: for people.
        folder: where its files are.
        seconds: what one token of one design takes on one core, roughly; for the estimate before a run.
    """

    name: str
    title: str
    folder: Path
    seconds: float


@dataclass(frozen=True)
class Export:
    """A file format for designs.

    Attributes:
        name: as `ProblemInfo.export_formats` says it.
        title: for people.
        ending: of the file's name, without the dot.
        media_type: what a browser is told.
        zips: one design is one file, several are a ZIP of files; else one file holds any number of designs.
        reads_back: `Problem.read_export` reads it. Else `Problem.export` reads back what it wrote before it returns it,
            because such files are taken from nobody else.
    """

    name: str
    title: str
    ending: str
    media_type: str
    zips: bool = False
    reads_back: bool = True

    def ending_of(self, designs: int) -> str:
        """Return how the file of so many designs will end."""
        return "zip" if self.zips and designs != 1 else self.ending

    def named(self, data: bytes) -> tuple[str, str]:
        """Return the ending and the media type of a file, by what was written into it."""
        # A format that is a ZIP itself, as a workbook is, keeps its own name.
        packed = self.zips or self.media_type.startswith("text/")
        if packed and data.startswith(b"PK") and zipfile.is_zipfile(io.BytesIO(data)):
            return "zip", "application/zip"
        return self.ending, self.media_type


CSV = Export("csv", "CSV", "csv", "text/csv")


@dataclass(frozen=True)
class Task:
    """A kind of question for language models that a rule can judge; experiments compare prompts on it.

    Attributes:
        name: as an ExperimentSpec says it.
        title: for people.
        judged: what the rule looks for in a response.
        example: an input.
        most: how many different inputs there are to draw, at most.
        items: ``"module:function"``, called as ``items(name, n, seed=seed)``; returns values with ``index``, ``text``
            and ``answers``.
        score: ``"module:function"``, called as ``score(name, item, response)``; the larger number wins.
    """

    name: str
    title: str
    judged: str
    example: str
    most: int
    items: str
    score: str


@dataclass(frozen=True, kw_only=True)
class Verifiable:
    """Many prompts and a program that judges answers; what a language model learns from.

    Attributes:
        name: ``"science/task"``.
        loader: ``"module:function"``, called with the parameters; returns a `poets_core.verifiable.VerifiableTask`.
        title, summary: for people; the summary is one or two sentences.
        parameters: form fields.
    """

    name: str
    loader: str
    title: str
    summary: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """A design as a picture.

    Attributes:
        svg: the picture. Text in it that comes from a design must be escaped.
        says: what it shows, in words, for those who cannot see it.
        note: a sentence below it, plain text; ``""`` for none.
        key: SVG of the key to its colours; ``""`` for none. key_says: the same in words.
    """

    svg: str
    says: str
    note: str = ""
    key: str = ""
    key_says: str = ""


class Draw(Protocol):
    """A function that draws designs of a science: pure, and light enough for a page to import."""

    def __call__(
        self, design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any], colours: Colours, narrow: bool
    ) -> Drawing | None:
        """Draw a design.

        Args:
            design: canonical text, or whatever a model wrote: nothing about it is certain.
            facts: `ProblemInfo.facts` of its problem.
            details: what the oracle says about it; empty before it was measured.
            colours: of the page.
            narrow: whether it has to fit into half a page.

        Returns:
            None if the text is not a design that can be drawn; it is then shown as it is.
        """
        ...


@dataclass(frozen=True)
class Named:
    """A design in a few words and figures, for tables and headings.

    Attributes:
        name: short, plain text, e.g. ``"V39A D40W"``; ``""`` where a design has no name but its own text.
        figures: columns of a table of designs, in order: heading -> number, None where it is not known.
        parts: what is compared, place by place, to say how far apart two designs are.
        texts: columns of files, in order: heading -> text, the shortest first; all that it may be called by people.
    """

    name: str
    figures: Mapping[str, float | int | None] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


class Naming(Protocol):
    """A function that names designs of a science: pure, and light enough to be called for every row of a table."""

    def __call__(self, design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any]) -> Named:
        """Name a design.

        Args:
            design: canonical text, or whatever a model wrote: nothing about it is certain.
            facts: `ProblemInfo.facts` of its problem.
            details: what the oracle says about it; empty before it was measured.
        """
        ...


@dataclass(frozen=True)
class Known:
    """What a run knows of one design, for `Views`.

    Attributes:
        design: canonical text.
        name: id, or what it is called.
        value: measured, None where it was not.
        expected, spread: predicted before that, and one deviation of it; None where nothing was.
        details: what the oracle says of it.
    """

    design: str
    name: str
    value: float | None
    expected: float | None = None
    spread: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """Something to look at: a picture, a chart, or a table.

    Attributes:
        title: heading; help: how it is read, in a sentence or two. Both plain text.
        svg: a picture; text in it that comes from data must be escaped.
        figure: ``data`` and ``layout`` of plotly.js.
        headings, rows: a table, all of it plain text.
        says: what it shows, in words, for those who cannot see it.
    """

    title: str
    help: str
    svg: str = ""
    figure: Mapping[str, Any] | None = None
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    says: str = ""


class Views(Protocol):
    """A function that shows what a science looks at in the designs of a run: pure, and without a model."""

    def __call__(
        self, designs: Sequence[Known], *, facts: Mapping[str, Any], unit: str, minimise: bool, colours: Colours
    ) -> list[View]:
        """Return the views, the most telling first; empty where nothing can be shown.

        Args:
            designs: of a run, each once.
            facts: `ProblemInfo.facts` of its problem.
            unit, minimise: of the values.
            colours: of the page.
        """
        ...


class Structure(Protocol):
    """A function that shows a file of a structure beside the designs; called in a process with limits."""

    def __call__(self, data: bytes, name: str, *, facts: Mapping[str, Any], colours: Colours) -> View:
        """Return the view.

        Args:
            data: of the file; name: as a person calls it.
            facts, colours: as in `Views`.

        Raises:
            InvalidInput: it cannot be read.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Science:
    """One science: all that the rest of the program knows about it.

    Attributes:
        name: first part of the names of its problems.
        title: for people.
        design: what a design is called, in the singular: ``"sequence"``.
        problems: what it searches.
        tasks: what experiments can ask language models.
        verifiables: what language models can learn from.
        answers: ``"module:function"``, called with the path of a file of answers that have rewards; returns what
            `domains.text.offline.Rewarded` describes; ``""``: no such files are read.
        backbones: language models that come with it.
        exports: its file formats.
        drawing: ``"module:function"``, see `Draw`; ``""``: designs are shown as text.
        naming: ``"module:function"``, see `Naming`; ``""``: a design has no name but its own text.
        views: ``"module:function"``, see `Views`; ``""``: the page Variants has nothing to show.
        structure: ``"module:function"``, see `Structure`; structures: endings of its files.
        score: ``"module:function"``, see `domains.brought.Score`; ``""``: no files of designs are read.
        prune: ``"module:function"``, see `domains.brought.Prune`; ``""``: designs are left as they are.
        install: command that installs the packages it needs.
    """

    name: str
    title: str
    design: str = "design"
    problems: tuple[Entry, ...] = ()
    tasks: tuple[Task, ...] = ()
    verifiables: tuple[Verifiable, ...] = ()
    answers: str = ""
    backbones: tuple[ShippedBackbone, ...] = ()
    exports: tuple[Export, ...] = (CSV,)
    drawing: str = ""
    naming: str = ""
    views: str = ""
    structure: str = ""
    structures: tuple[str, ...] = ()
    score: str = ""
    prune: str = ""
    install: str = ""
