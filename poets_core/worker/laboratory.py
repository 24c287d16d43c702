"""A search that people answer: results become events, and a batch with all its results lets the search go on.

No worker waits for a laboratory: it proposes, leaves, and another one takes up what came. So a run may wait for weeks,
over restarts of the machine, and costs nothing meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from poets_core.errors import InvalidInput
from poets_core.protocols import Search
from poets_core.runs.events import Event, Finished, Observed, Proposed
from poets_core.runs.laboratory.batch import Batch, Campaign, due
from poets_core.runs.laboratory.orders import NewBudget, Reject, Results, read_order
from poets_core.runs.laboratory_events import BudgetChanged, Measured, Rejected
from poets_core.runs.lease import STEERING, Command
from poets_core.runs.store import RunStore
from poets_core.spec import Budget, LaboratorySpec, SearchSpec
from poets_core.types import Candidate, Observation
from poets_core.worker.search_log import observation_of, observed_event
from poets_core.worker.session import Session

WIDER = (2, 8, 24)
"""How many times a batch is asked for, until others are found for what was rejected."""


class WaitsForPeople(Exception):
    """A batch is with the laboratory: there is nothing to do before its results come."""


class Laboratory:
    """What came from the laboratory of one run, and what it makes of the run's log."""

    def __init__(self, session: Session[SearchSpec]) -> None:
        """Read the log as it is."""
        self._session = session
        self._spec = session.spec.laboratory or LaboratorySpec()
        self._log: dict[str, Observation] = {}
        self._campaign = Campaign()
        for event in session.events():
            self._campaign.add(event)
            self._note(event)

    @property
    def budget(self) -> Budget:
        """The budget as it stands."""
        changed = self._campaign.budget
        return self._session.spec.budget if changed is None else Budget(rounds=changed[0], batch=changed[1])

    def take(self) -> Batch | None:
        """Write down what came since the last time; return the batch that still lacks results, None if there is none.

        Raises:
            LeaseLost, StoreUnavailable.
        """
        run, store = self._session.run, self._session.store
        for command in store.commands(run):
            if (event := understood(command, self._campaign)) is None:
                continue
            self._campaign.add(event)
            # Results of a batch that is complete are corrections, and those of its parent move all its values. Both go
            # into the log in one piece: cut off between them, nobody would know that something is to be corrected.
            corrects = isinstance(event, Measured) and self._campaign.batches[event.round].complete
            self._write(event, *(self._observed(event.round) if isinstance(event, Measured) and corrects else ()))
        batch = self._campaign.open
        if batch is not None and batch.wanted is not None:
            return None  # others are to be proposed first
        if batch is not None and ready(batch, self._spec, store.commands(run)):
            self._write(*self._observed(batch.round))
            return None
        return batch

    @property
    def open(self) -> Batch | None:
        """The batch that is out."""
        return self._campaign.open

    def _write(self, *events: Event) -> None:
        self._session.append(*events)
        for event in events:
            self._note(event)

    def _note(self, event: Event) -> None:
        """Keep what the log says of each design."""
        if isinstance(event, Observed):
            self._log[event.candidate] = observation_of(event)

    def _observed(self, round: int) -> Iterator[Observed]:
        """Yield what the log does not say of a batch yet, or says otherwise."""
        found = self._campaign.observations(round, self._spec)
        for id in due(found, self._log):
            observation, details = found[id]
            yield observed_event(self._session.run, round, observation, details, corrects=id in self._log)


def proposals(search: Search, n: int, *, apart: int) -> list[Candidate]:
    """Propose a batch whose designs differ from each other in `apart` places at least; fewer where no more are found.

    The first proposals win: of two that are too near, the one in the later slot makes room.
    """
    found: list[Candidate] = []
    for times in (1, *WIDER) if apart else (1,):
        for c in search.ask(times * n):
            near = apart and any(_differences(c.design, other.design, apart) < apart for other in found)
            if not near and len(found) < n:
                found.append(c)
        if len(found) >= n:
            break
    return [replace(c, id=f"{c.round}-{slot}") for slot, c in enumerate(found)]


def _differences(one: str, other: str, most: int) -> int:
    """Count places in which two designs differ, up to `most`; what only one of them has is a difference."""
    a, b = (d.splitlines() if "\n" in d else d for d in (one, other))
    count = abs(len(a) - len(b))
    for x, y in zip(a, b, strict=False):
        count += x != y
        if count >= most:
            break
    return count


def replacements(search: Search, batch: Batch, events: Iterable[Event]) -> list[Candidate]:
    """Return candidates for the places of those that were rejected last; fewer where no more can be found.

    Args:
        search: as it was when it proposed the batch.
        batch: with a rejection.
        events: of the run.
    """
    wanted = batch.wanted
    if wanted is None:
        return []
    before = [c for e in events if isinstance(e, Proposed) and e.round == batch.round for c in e.candidates]
    taken, size = {c.design for c in before}, len(before)
    hold = {int(k): v for k, v in wanted.hold.items()}
    found: dict[str, Candidate] = {}
    # `ask` changes nothing, and asked for more it goes on to what is less promising.
    for times in WIDER:
        for c in search.ask(times * size, spread=wanted.spread):
            if c.design and c.design not in taken and _holds(c.design, hold):
                found.setdefault(c.design, c)
        if len(found) >= len(wanted.candidates):
            break
    chosen = list(found.values())[: len(wanted.candidates)]
    if not chosen and not batch.candidates and not batch.undecoded:
        # No other design is what was asked for. A batch without any would be proposed anew, with all that was ever
        # rejected of it: those that were rejected last stay instead.
        return list({c.id: c.candidate() for c in before if c.id in wanted.candidates}.values())
    return [replace(c, id=f"{batch.round}-{size + k}") for k, c in enumerate(chosen)]


def _holds(design: str, hold: Mapping[int, str]) -> bool:
    """Return whether parts of a design are what they have to be: lines of a design that has lines, else letters."""
    parts = design.splitlines() if "\n" in design else design
    return all(place < len(parts) and parts[place] == wanted for place, wanted in hold.items())


def ready(batch: Batch, spec: LaboratorySpec, commands: Iterable[Command]) -> bool:
    """Return whether a batch can be learnt from.

    Args:
        batch: that the laboratory has.
        spec: whether the next one comes by itself.
        commands: of the run.
    """
    if not batch.missing() and spec.advance == "itself":
        return True
    return any(c.command == "next" and c.body.get("round") == batch.round for c in commands)


def understood(command: Command, campaign: Campaign) -> Measured | BudgetChanged | Rejected | None:
    """Return what an order adds to the log; None where it was read before, is no order, or fits nothing."""
    if command.command in STEERING or command.command == "judge" or command.seq <= campaign.read:
        return None
    try:
        order = read_order(command.command, command.body)
    except InvalidInput as error:
        print(f"order {command.seq} was left out: {error}", file=sys.stderr, flush=True)
        return None
    match order:
        case NewBudget():
            done = {r: len(b.candidates) + len(b.undecoded) for r, b in campaign.batches.items()}
            calls = sum(done.values()) + order.batch * max(0, order.rounds - len(done))
            return BudgetChanged(order.rounds, order.batch, command.seq, calls)
        case Results(round=round) if round in campaign.batches:
            known = set(campaign.batches[round].candidates)
            if all(w.control or w.candidate in known for w in order.wells):
                return Measured(round, order.wells, command.seq, order.file, order.sha256)
            print(f"order {command.seq} was left out: it names designs of another batch", file=sys.stderr, flush=True)
        case Reject(round=round) if (batch := campaign.open) is not None and batch.round == round:
            # What was measured stays: a result is worth more than a wish.
            there = batch.standing()
            left = tuple(id for id in order.candidates if id in batch.candidates and id not in there)
            if left:
                hold = {str(k): v for k, v in order.hold.items()}
                return Rejected(round, left, hold, order.spread, command.seq)
    return None


def has_work(store: RunStore, run: str) -> bool:
    """Return whether something came for a run that waits, which nobody has dealt with."""
    spec = store.spec(run)
    if not isinstance(spec, SearchSpec):
        return False
    events = [line.event for line in store.read(run)]
    campaign, commands = Campaign.of(events), store.commands(run)
    if not campaign.people:
        return False
    if any(understood(c, campaign) is not None for c in commands):
        return True
    # What lay ready when Stop was obeyed is left alone: somebody resumes the run, or sends more.
    if events and isinstance(events[-1], Finished) and events[-1].reason == "stopped":
        return False
    batch = campaign.open
    if batch is not None and batch.wanted is not None:
        return True
    return batch is not None and ready(batch, spec.laboratory or LaboratorySpec(), commands)
