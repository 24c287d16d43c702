"""A language model under K prompts: every policy answers every item once, a rule or another model judges."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from domains import catalog
from domains.language.prompts import fill
from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Pair
from poets_core.runs.artifacts import write_atomic
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import JsonObject, PresentedPair
from poets_core.spec import ExperimentSettings
from poets_core.worker.experiment.model_judge import ModelJudge
from poets_core.worker.experiment.sources.source import Judged, by_value
from poets_core.worker.facts import model_checksum
from poets_core.worker.science import Science, resolve_backbone

LONGEST = 64
"""Tokens of an answer, at most."""
AT_ONCE = 32
"""Answers between two looks at commands."""


class PromptSource:
    """Answers of a language model to the items of a task; see `ResponseSource`.

    They are written once, kept in the run's folder as JSON lines, a file a policy, and drawn from with
    replacement: a fresh item for every comparison.
    """

    def __init__(
        self,
        spec: ExperimentSettings,
        science: Science,
        seed: int,
        folder: Path,
        write: Callable[[Path, bytes], object] = write_atomic,
    ) -> None:
        """Draw the items.

        Args:
            spec: of the experiment.
            science: how a model answers.
            seed: key of all randomness.
            folder: where answers are kept.
            write: how a file of answers is written.

        Raises:
            InvalidSpec: no such task, or fewer items than asked for.
        """
        self._spec, self._science, self._seed, self._folder, self._write = spec, science, seed, folder, write
        self._task = catalog.task(spec.task)
        items, self._score = catalog.load_task(spec.task)
        self._items = items(spec.task, spec.items, seed=seed)
        self._at = {p.name: i for i, p in enumerate(spec.policies)}
        self._said: list[list[str]] = []
        self._model_judge = ModelJudge(spec, science, seed) if spec.judge == "model" else None

    @property
    def instant(self) -> bool:
        """See `ResponseSource`; a rule costs nothing, a model that judges does."""
        return self._model_judge is None

    @property
    def info(self) -> None:
        """See `ResponseSource`; prompts belong to no problem."""
        return None

    @property
    def sample(self) -> None:
        """See `ResponseSource`; a model answers as often as it is asked."""
        return None

    @property
    def facts(self) -> JsonObject:
        """See `ResponseSource`."""
        policies = [
            {"name": p.name, "prompt": p.prompt, "temperature": p.temperature, "top_p": p.top_p}
            for p in self._spec.policies
        ]
        return {
            "source": "prompts",
            "policies": policies,
            "warnings": [],
            "model": self._spec.model,
            # Answers are kept a policy at a time: those that are missing must come from the same model.
            "weights": model_checksum(resolve_backbone(self._spec.model)),
            "task": self._task.title,
            "judged": self._task.judged,
            "items": len(self._items),
            **({} if self._model_judge is None else self._model_judge.facts),
        }

    def prepare(self, step: Callable[[Doing], None]) -> None:
        """Write the answers that are not there yet; one that was cut off begins its policy again.

        Args:
            step: called before every few answers.

        Raises:
            InvalidModel, InvalidSpec: the model cannot answer.
            StoreUnavailable: answers cannot be kept.
        """
        self._said = []
        for at, policy in enumerate(self._spec.policies):
            # A file a policy, written whole: a worker that is killed loses the answers of one policy at most.
            path = self._folder / f"policy-{at:02d}.jsonl"
            said = self._read(path)
            if said is None:
                said = []
                # A few at a time: commands are obeyed between two batches, and a batch shares one pass of the
                # model.
                for start in range(0, len(self._items), AT_ONCE):
                    step(Doing("answer", (at, start)))
                    part = self._items[start : start + AT_ONCE]
                    said += self._science.answer(
                        resolve_backbone(self._spec.model),
                        [fill(policy.prompt, i.text) for i in part],
                        temperature=policy.temperature,
                        top_p=policy.top_p,
                        max_tokens=LONGEST,
                        seed=self._seed,
                        # By policy and item, not by place in the batch: an answer is the same whoever stood beside it.
                        keys=[f"{at}/{i.index}" for i in part],
                    )
                lines = [{"item": i.index, "response": text} for i, text in zip(self._items, said, strict=True)]
                self._write(path, "".join(json.dumps(line) + "\n" for line in lines).encode())
            self._said.append(said)

    def _read(self, path: Path) -> list[str] | None:
        """Answers kept earlier, None where they are missing or damaged."""
        try:
            # The numbers of the items are the check: answers to other items would be judged against wrong ones.
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            whole = [line["item"] for line in lines] == [i.index for i in self._items]
            return [str(line["response"]) for line in lines] if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def responses(self, pairs: Sequence[Pair]) -> list[PresentedPair]:
        """See `ResponseSource`."""
        if not self._said:
            raise InvalidSpec("Expected answers to be prepared before pairs are asked, got none.")
        out = []
        for pair in pairs:
            # The number of the pair and nothing else: which item it gets does not depend on who asks, or when.
            item = int(rng_for(self._seed, "item", pair.index).integers(len(self._items)))
            said = (self._said[self._at[pair.first]][item], self._said[self._at[pair.second]][item])
            text = f"{self._task.title}: {self._items[item].text}"
            out.append(PresentedPair(pair.index, pair.first, pair.second, item, text, said))
        return out

    def count(self, pair: PresentedPair) -> None:
        """See `ResponseSource`; answers are not used up."""

    def judge(self, pair: PresentedPair) -> Judged:
        """The answer with the higher score wins, or the one that the judging model prefers."""
        if self._model_judge is not None:
            return self._model_judge.judge(pair)
        item = self._items[pair.item]
        values = [self._score(self._spec.task, item, text) for text in pair.responses]
        return Judged(by_value(values[0], values[1]), {"values": values, "answers": list(item.answers)})
