"""One run as its laboratory sees it: what was handed out, what came back, and what may be handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from poets_core.runs.events import Recorded
from poets_core.runs.laboratory.batch import Batch, Campaign
from poets_core.runs.laboratory.hand_out import HandOut, heading_of
from poets_core.runs.laboratory.plate import wells_of
from poets_core.runs.laboratory.results import Known
from poets_core.runs.views.fold import RunView, fold
from poets_core.spec import Budget, LaboratorySpec, SearchSpec

Texts = Callable[[str], Mapping[str, str]]
"""Design -> what it is called, by heading (`domains.entry.Named.texts`)."""


@dataclass(frozen=True)
class Bench:
    """A run, its batches and the names of its designs.

    Attributes:
        run: its id.
        spec: how batches are laid out.
        budget: as the run was started with it.
        view: all that is known of the run.
        campaign: its batches.
        texts: names designs.
    """

    run: str
    spec: LaboratorySpec
    budget: Budget
    view: RunView
    campaign: Campaign
    texts: Texts

    @staticmethod
    def of(run: str, spec: SearchSpec, lines: Iterable[Recorded], texts: Callable[[RunView], Texts]) -> Bench:
        """Read it out of a log.

        Args:
            run: its id.
            spec: of the run.
            lines: its log.
            texts: given the view, names designs.
        """
        kept = list(lines)
        view = fold(kept)
        return Bench(
            run,
            spec.laboratory or LaboratorySpec(),
            spec.budget,
            view,
            Campaign.of(line.event for line in kept),
            texts(view),
        )

    @property
    def parent(self) -> str:
        """The parent as a design, ``""`` where there is none."""
        return "" if self.view.info is None else str(self.view.info.facts.get("wild_type") or "")

    @property
    def last(self) -> Batch | None:
        """The batch that the laboratory has, or the last one; None before one."""
        batches = self.campaign.batches
        return self.campaign.open or (batches[max(batches)] if batches else None)

    def hand_out(self, round: int) -> HandOut:
        """Return the files of a batch.

        Args:
            round: of the batch, from 0.
        """
        objective, batch = self.view.objective, self.campaign.batches[round]
        wells = wells_of(self.run, round, batch.candidates, self.spec, parent=bool(self.parent))
        texts = {id: self._called(self.view.candidates[id].design) for id in batch.candidates}
        parent = self._called(self.parent) if self.parent else {}
        return HandOut(wells, texts, parent, heading_of(objective.name, objective.unit), self.spec.wells)

    def known(self) -> Known:
        """Return what rows of results may name."""
        objective = self.view.objective
        ids = [id for batch in self.campaign.batches.values() for id in batch.candidates]
        names = {
            id: (design, *self._called(design).values()) for id in ids if (design := self.view.candidates[id].design)
        }
        return Known.of(
            self.run,
            self.campaign,
            self.spec,
            names,
            parent=bool(self.parent),
            name=objective.name,
            unit=objective.unit,
        )

    def _called(self, design: str) -> Mapping[str, str]:
        return self.texts(design) or {"design": design}
