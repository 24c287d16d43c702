"""Branches as policies: every response is a fresh sample, and the problem's oracle judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Pair
from poets_core.protocols import Problem, Search
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import JsonObject, PresentedPair, jsonable
from poets_core.runs.event_reader import stored_info
from poets_core.runs.kept import BACKBONE, damage
from poets_core.spec import ExperimentSpec, PolicySpec, SearchSpec
from poets_core.types import ProblemInfo
from poets_core.worker.backbone import OWN, Workshop
from poets_core.worker.experiment.sources.source import Judged, by_value
from poets_core.worker.facts import require_same_problem
from poets_core.worker.restore import restore
from poets_core.worker.science import Response, Science
from poets_core.worker.search_log import read_search_log
from poets_core.worker.session import Session

BLOCK = 32
"""Samples drawn at once: what a model draws one by one is slow. Blocks are keyed, whoever asks for them when."""


@dataclass(frozen=True)
class BranchPolicy:
    """One branch that answers.

    Attributes:
        name: of the policy.
        search: whose branch it is.
        branch: index, -1 for the reference.
        temperature: of sampling.
        facts: for `prepared`.
    """

    name: str
    search: Search
    branch: int
    temperature: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)


class BranchSource:
    """Responses of branches on one problem; see `poets_core.worker.experiment.sources.source.ResponseSource`."""

    def __init__(
        self, problem: Problem, policies: Sequence[BranchPolicy], science: Science, seed: int, *key: int | str
    ) -> None:
        """Take branches as they are now.

        Args:
            problem: what they write designs for.
            policies: the branches.
            science: how they are sampled.
            seed, key: of all randomness.
        """
        self._problem, self._science, self._seed, self._key = problem, science, seed, key
        self._policies = {p.name: p for p in policies}
        self._used: Counter[tuple[str, int]] = Counter()
        self._blocks: dict[tuple[str, int], tuple[int, list[Response]]] = {}

    @property
    def instant(self) -> bool:
        """See `ResponseSource`."""
        return False

    @property
    def info(self) -> ProblemInfo:
        """See `ResponseSource`."""
        return stored_info(self._problem.info)

    @property
    def sample(self) -> None:
        """See `ResponseSource`; branches answer as often as they are asked."""
        return None

    @property
    def facts(self) -> JsonObject:
        """See `ResponseSource`."""
        policies = [{"name": p.name, **p.facts} for p in self._policies.values()]
        found: JsonObject = jsonable({"source": "branches", "policies": policies, "warnings": []})
        return found

    def prepare(self, step: Callable[[Doing], None]) -> None:
        """See `ResponseSource`; all is there."""

    def responses(self, pairs: Sequence[Pair]) -> list[PresentedPair]:
        """See `ResponseSource`; samples of a branch are used in the order in which they were drawn."""
        # A copy: `count` moves on when a pair is in the log, so that a pair that was cut off gets the same responses
        # again.
        used, out = self._used.copy(), []
        for pair in pairs:
            item = self.item(pair.index)
            one, other = self._two(pair, item, used)
            out.append(
                PresentedPair(
                    pair.index,
                    pair.first,
                    pair.second,
                    item,
                    self._problem.prompts[item],
                    responses=(one.shown, other.shown),
                    reasons=(one.reason, other.reason),
                )
            )
        return out

    def item(self, index: int) -> int:
        """Return the number of the prompt that a pair answers; a function of the pair's number alone."""
        return int(rng_for(self._seed, "item", *self._key, index).integers(len(self._problem.prompts)))

    def written(self, pair: Pair) -> tuple[Response, Response]:
        """Return the responses of a pair as their branches wrote them, not as a judge sees them."""
        return self._two(pair, self.item(pair.index), self._used.copy())

    def _two(self, pair: Pair, item: int, used: Counter[tuple[str, int]]) -> tuple[Response, Response]:
        said = []
        for name in (pair.first, pair.second):
            said.append(self._response(name, item, used[name, item]))
            used[name, item] += 1
        return said[0], said[1]

    def count(self, pair: PresentedPair) -> None:
        """See `ResponseSource`."""
        self.use(pair.first, pair.second, pair.item)

    def use(self, first: str, second: str, item: int) -> None:
        """Take note that the next responses of two policies to a prompt are used."""
        self._used[first, item] += 1
        self._used[second, item] += 1

    def _response(self, name: str, item: int, number: int) -> Response:
        # Blocks are drawn whole and keyed by their number: the 40th sample is the same whether or not a worker was
        # restarted after the 35th.
        block, at = divmod(number, BLOCK)
        kept = self._blocks.get((name, item))
        if kept is None or kept[0] != block:
            policy, rng = self._policies[name], rng_for(self._seed, "response", *self._key, name, item, block)
            drawn = self._science.respond(
                policy.search, branch=policy.branch, prompt=item, n=BLOCK, temperature=policy.temperature, rng=rng
            )
            kept = self._blocks[name, item] = (block, drawn)
        return kept[1][at]

    def judge(self, pair: PresentedPair) -> Judged:
        """The higher value wins (the lower one where that is better); an invalid design loses against a valid one."""
        values: list[float | None] = [None, None]
        reasons = list(pair.reasons)
        # What is no design is not sent to the oracle; it has lost, or tied, already.
        places = [i for i, reason in enumerate(pair.reasons) if not reason]
        if places:
            rng = rng_for(self._seed, "oracle", *self._key, pair.index)
            designs = [pair.responses[i] for i in places]
            answer = self._problem.oracle.evaluate(designs, [pair.item] * len(places), rng=rng)
            for row, i in enumerate(places):
                reasons[i] = answer.reason[row]
                values[i] = float(answer.values[row, 0]) if answer.valid[row] else None
        outcome = by_value(values[0], values[1], self._problem.info.objectives[0].direction)
        return Judged(outcome, {"values": values, "reasons": reasons})


def branches_of_runs(
    session: Session[ExperimentSpec], policies: Sequence[PolicySpec], step: Callable[[Doing], None]
) -> BranchSource:
    """Rebuild the searches that policies come from, each as it was after its last completed round.

    Args:
        session: of the experiment; its store holds the runs.
        policies: branches of runs of the experiment's problem.
        step: called with what is being done.

    Raises:
        InvalidSpec: a run of another problem, one that goes on, or a branch that it does not have.
        UnknownRun.
    """
    spec = session.spec
    problem = session.science.load(spec)
    searches: dict[str, tuple[Search, SearchSpec, Mapping[str, Any]]] = {}
    for run in dict.fromkeys(p.run for p in policies):
        step(Doing("load", run=run))
        searches[run] = _search_of(session, run, problem, step)
    found = []
    for p in policies:
        search, its, facts = searches[p.run]
        branches = its.search.policies
        if p.branch >= branches or (p.branch >= 0 and not facts["rounds"]):
            raise InvalidSpec(
                f"Expected a trained branch of run {p.run} for policy {p.name!r}, got {p.branch}: it has {branches} "
                f"branches after {facts['rounds']} rounds. Choose another one, or -1 for the reference."
            )
        more = {"run": p.run, "branch": p.branch, "temperature": p.temperature, **facts}
        found.append(BranchPolicy(p.name, search, p.branch, p.temperature, more))
    return BranchSource(problem, found, session.science, spec.seed)


def _search_of(
    session: Session[ExperimentSpec], run: str, problem: Problem, step: Callable[[Doing], None]
) -> tuple[Search, SearchSpec, Mapping[str, Any]]:
    store, spec = session.store, session.spec
    its, status = store.spec(run), store.status(run)
    if not isinstance(its, SearchSpec) or its.problem != spec.problem:
        raise InvalidSpec(
            f"Expected a search on the problem of the experiment, {spec.about!r} with the same parameters, got "
            f"{its.kind} {run} of {its.problem.name if its.problem else 'none'!r}. Compare branches of one problem."
        )
    # Its branches go on learning meanwhile, and the same name would mean other policies after a resume.
    if status.active:
        raise InvalidSpec(
            f"Expected run {run} to stand still, got state {status.state}: its branches still change. "
            "Stop it or wait for its end, then resume this experiment."
        )
    log = read_search_log(line.event for line in store.read(run))
    require_same_problem(run, None if log.prepared is None else log.prepared.info, problem.info)
    # That run is another's, and its folder is only read: a backbone that is damaged there is made again here.
    folder, began = store.folder(run), log.prepared
    whole = began is not None and began.files and not damage(folder / BACKBONE, began.files)
    if its.backbone.source == OWN and not whole:
        folder = session.folder / "searches" / run
    bench = Workshop(session.science, folder, partial(session.place, folder=folder), session.control.listen())
    search, _ = bench.build(problem, its, began, run)
    restore(search, log, store.folder(run), step)
    checkpoint = "" if log.updated is None else log.updated.sha256
    facts = {"rounds": log.rounds, "checkpoint": checkpoint, "method": its.search.method}
    return search, its, facts
