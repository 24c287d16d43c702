"""The events of an archive: whether each can be read, whether they are linked, and whether they fit one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from poets_core.errors import InvalidInput
from poets_core.intake import shown
from poets_core.runs.chain import next_link, parts_of, spec_link
from poets_core.runs.event_reader import read_line
from poets_core.runs.events import ArtifactMade, Finished, Observed, Prepared, Proposed, Recorded, Updated
from poets_core.runs.kept import ADAPTERS, BACKBONE
from poets_core.runs.laboratory_events import BudgetChanged
from poets_core.runs.verify.archive import Archive
from poets_core.runs.verify.finding import Check, Finding, check, not_done
from poets_core.runs.verify.rewards import learnt
from poets_core.spec import RewardsSpec, RunSpec, SearchSpec
from poets_core.types import BEFORE

EVENTS = "events.jsonl"
LINES, LINE = 2_000_000, 32 << 20
"""Events, and characters of one, at most."""


def read_lines(archive: Archive) -> list[str]:
    """Return the lines of events.jsonl.

    Raises:
        InvalidInput: it is not there, no ASCII text, or too large.
    """
    if EVENTS not in archive:
        raise InvalidInput(f"Expected {EVENTS} in the archive, got none.")
    try:
        text = archive.read(EVENTS).decode("ascii")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"Expected ASCII text, got another byte at place {error.start:,}.") from error
    lines = text.removesuffix("\n").split("\n") if text else []
    if len(lines) > LINES or any(len(line) > LINE for line in lines):
        raise InvalidInput(f"Expected at most {LINES:,} events of at most {LINE >> 20} MiB each, got more.")
    return lines


def read_events(lines: Sequence[str]) -> tuple[Check, list[Recorded]]:
    """Read every event, and check that they are numbered 1, 2, 3, ...

    Returns:
        the check, and the events that could be read, in the order in which they stand.
    """
    found: list[Recorded] = []
    wrong: list[Finding] = []
    seen: set[int] = set()
    last = 0
    for number, line in enumerate(lines, 1):
        try:
            event = read_line(line)
            if type(event.seq) is not int or not isinstance(event.at, float | int):
                raise ValueError(f"seq and at that are numbers, got {shown(event.seq)} and {shown(event.at)}")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            why = f"no {error}" if isinstance(error, KeyError) else str(error)
            wrong.append(Finding(EVENTS, f"Expected an event that can be read, got: {why}", f"line {number}"))
            last += 1
            continue
        wrong += _numbered(event, number, last, seen)
        seen.add(event.seq)
        last = max(last, event.seq)
        found.append(event)
    return check("events", f"{len(lines):,} events read", wrong), found


def _numbered(event: Recorded, number: int, last: int, seen: set[int]) -> Iterator[Finding]:
    row = f"line {number}, event {event.seq} ({event.kind})"
    if event.seq in seen:
        yield Finding(EVENTS, "Expected every event once, got it twice.", row, "seq")
    elif event.seq < last:
        yield Finding(EVENTS, f"Expected it before event {last}, got it after: the order was changed.", row, "seq")
    elif event.seq > last + 1:
        lost = f"event {last + 1}" if event.seq == last + 2 else f"events {last + 1} to {event.seq - 1}"
        yield Finding(EVENTS, f"Expected {lost} before it, got none: taken out, or moved.", row, "seq")


def chain(lines: Sequence[str], spec: str | None, facts: Mapping[str, Any], head: str) -> Check:
    """Check every link.

    Args:
        lines: of events.jsonl.
        spec: text of spec-as-written.json; None where the archive has none.
        facts: of archive.json; empty in an archive of format 1.
        head: link of the last event as somebody has published it; "" for none.
    """
    parts = [parts_of(line) for line in lines]
    links = [link for _, link in parts if link]
    if not links and not head and facts.get("unchained", len(lines)) == len(lines):
        return not_done("chain", "unchained: an older program wrote these events without links")
    before = spec_link(spec) if spec is not None else ""
    texts: list[str] = []
    wrong: list[Finding] = []
    for number, (text, link) in enumerate(parts, 1):
        texts.append(text)
        if not link:
            continue
        if link != next_link(before, texts):
            what = f"line {number}" if len(texts) == 1 else f"lines {number - len(texts) + 1} to {number}"
            also = ", or the spec before it" if number == len(texts) else ""
            wrong.append(
                Finding(EVENTS, f"Expected a link that fits, got another: it{also} or its place was changed.", what)
            )
        # Going on from the link as it stands, so that one change is one finding.
        before, texts = link, []
    last = parts[-1][1] if parts else ""
    here = {"events": len(lines), "unchained": len(lines) - len(links), "head": last}
    wrong += [
        Finding("archive.json", f"Expected {shown(facts.get(n))} as in it, got {shown(v)} in {EVENTS}.", "", n)
        for n, v in here.items()
        if facts and facts.get(n) != v
    ]
    if head and head != last:
        wrong.append(Finding(EVENTS, f"Expected the head {shown(head, 16)} that was published, got {shown(last, 16)}."))
    if texts and links:
        said = f"Expected links to the end, got {len(texts):,} events without: added, or an older program wrote them."
        wrong.append(Finding(EVENTS, said, f"line {len(lines) - len(texts) + 1}"))
    covered = len(lines) - len(links) - len(texts)
    old = f"; {covered:,} events of an older program are covered by the links after them" if covered else ""
    return check("chain", f"{len(links):,} links of {len(lines):,} events{old}", wrong)


def consistent(events: Sequence[Recorded], run: str, spec: RunSpec | None) -> Check:
    """Check that events fit one another: what is observed was proposed, once, under its key, within the budget;
    of a run that learns from rewards, see `poets_core.runs.verify.rewards`.

    Args:
        events: of the run.
        run: its id; "" where the archive does not say it.
        spec: of the run, None where it cannot be read.
    """
    proposed: set[str] = set()
    observed: dict[str, Observed] = {}
    wrong: list[Finding] = []
    calls, budget = 0, spec.budget.calls if isinstance(spec, SearchSpec) else None
    for line in events:
        row = f"event {line.seq} ({line.kind})"
        match line.event:
            case Proposed(candidates=candidates):
                twice = [c.id for c in candidates if c.id in proposed]
                wrong += [Finding(EVENTS, "Expected it proposed once, got it again.", f"{row}, {i}") for i in twice]
                proposed |= {c.id for c in candidates}
            case Observed() as event:
                row = f"{row}, {event.candidate}"
                wrong += [Finding(EVENTS, m, row, f) for f, m in _observation(event, run, proposed, observed)]
                observed[event.candidate] = event
                calls += event.round != BEFORE and not event.corrects
            case BudgetChanged():
                budget = None
            case Prepared(info=info) if spec is not None and info is not None and spec.problem is not None:
                if info.name != spec.problem.name:
                    said = f"Expected problem {shown(spec.problem.name)} as in the spec, got {shown(info.name)}."
                    wrong.append(Finding(EVENTS, said, row, "info.name"))
    if budget is not None and calls > budget:
        said = f"Expected at most {budget:,} measurements, got {calls:,} in {EVENTS}."
        wrong.append(Finding("spec.json", said, "", "budget"))
    if isinstance(spec, RewardsSpec):
        rounds = sum(isinstance(line.event, Updated) and line.event.round != BEFORE for line in events)
        return check("log", f"{rounds:,} of {spec.rewards.rounds:,} rounds learnt", [*wrong, *learnt(events, spec)])
    said = f"{len(proposed):,} candidates proposed, {len(observed):,} observed"
    return check("log", said, wrong)


def _observation(
    event: Observed, run: str, proposed: set[str], observed: Mapping[str, Observed]
) -> Iterator[tuple[str, str]]:
    """Yield field and message of what cannot be in an observation."""
    before = observed.get(event.candidate)
    if event.candidate not in proposed:
        yield "candidate", "Expected a candidate that was proposed before, got another."
    if before is not None and not event.corrects and not before.missing:
        yield "candidate", "Expected one observation of a candidate, got a second that says it corrects nothing."
    key = f"{run}/{event.candidate.replace('-', '/')}"
    if run and event.key != key:
        yield "key", f"Expected {shown(key, 60)}, got {shown(event.key, 60)}."
    if event.valid and any(value is None for value in event.value):
        yield "value", "Expected a number for a valid design, got null."
    if not event.valid and any(value is not None for value in event.value):
        yield "value", f"Expected no number for an invalid design, got {shown(event.value)}."


def named_files(events: Sequence[Recorded], here: Mapping[str, str]) -> Check:
    """Check the files that events name by checksum: backbone, adapters, the last checkpoint.

    Args:
        events: of the run.
        here: SHA-256 of every member of the archive.
    """
    named: dict[str, tuple[str, int]] = {}
    for line in events:
        match line.event:
            case Prepared(files=files):
                named |= {f"{BACKBONE}/{name}": (sha, line.seq) for name, sha in files.items()}
            case Updated(checkpoint=name, sha256=sha, round=round_) if round_ != BEFORE:
                # Adapters that were exported before are no longer meant, and one checkpoint is kept.
                named = {n: v for n, v in named.items() if not n.startswith((f"{ADAPTERS}/", "checkpoints/"))}
                if name:
                    named[f"checkpoints/{name}"] = (sha, line.seq)
            case Finished(files=files):
                named |= {f"{ADAPTERS}/{name}": (sha, line.seq) for name, sha in files.items()}
            case ArtifactMade(path=path, sha256=sha):
                named[path] = (sha, line.seq)
    wrong = []
    for name, (sha, seq) in named.items():
        if name not in here:
            wrong.append(Finding(name, f"Expected it in the archive, since event {seq} names it, got none."))
        elif here[name] != sha:
            wrong.append(Finding(name, f"Expected SHA-256 {sha[:12]}… as event {seq} says, got {here[name][:12]}…."))
    return check("named files", f"{len(named):,} files that events name by checksum", wrong)
