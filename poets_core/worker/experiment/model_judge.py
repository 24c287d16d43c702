"""A language model as judge: both orders of a pair are asked, and each reply is kept as it came."""

from __future__ import annotations

from pathlib import Path

from domains.language.comparing import both, question, read_reply
from poets_core.keyed import seed_for
from poets_core.runs.event_fields import JsonObject, PresentedPair
from poets_core.spec import ExperimentSettings
from poets_core.worker.endpoint import Endpoint
from poets_core.worker.experiment.sources.source import Judged
from poets_core.worker.facts import model_checksum
from poets_core.worker.science import Science, resolve_backbone

TOKENS = 8
"""Of a reply, at most: it is one word."""
KEPT = 200
"""Characters of a reply that the log keeps."""


class ModelJudge:
    """Asks the model of an experiment which of two responses is better."""

    def __init__(self, spec: ExperimentSettings, science: Science, seed: int) -> None:
        """Find the model; nothing is asked.

        Raises:
            InvalidSpec: an address that may not be asked.
        """
        self._spec, self._science, self._seed = spec, science, seed
        self._endpoint = Endpoint(spec.judge_url, spec.judge_model) if spec.judge_url else None
        self._model: Path | str = spec.judge_model if spec.judge_url else resolve_backbone(spec.judge_model)

    @property
    def facts(self) -> JsonObject:
        """Who judges, for `prepared`: the model, where it is, and the sum of its weights where it runs here."""
        sums = "" if self._endpoint is not None else model_checksum(self._model)
        return {"judge_model": self._spec.judge_model, "judge_url": self._spec.judge_url, "judge_weights": sums}

    def judge(self, pair: PresentedPair) -> Judged:
        """Ask in both orders; an unreadable reply is a tie that is counted as no answer.

        Raises:
            InvalidModel, InvalidSpec: the model does not answer, or cannot.
        """
        # One order alone would mix what is better with what stands first.
        a, b = pair.responses
        asked = [question(self._spec.criterion, pair.prompt, *two) for two in ((a, b), (b, a))]
        replies = self._ask(asked, pair.index)
        outcome, how = both(*(read_reply(reply) for reply in replies))
        return Judged(outcome, {"replies": [reply[:KEPT] for reply in replies], "how": how})

    def _ask(self, asked: list[str], index: int) -> list[str]:
        if self._endpoint is not None:
            seed = seed_for(self._seed, "judge", index)
            return [self._endpoint.ask(text, max_tokens=TOKENS, seed=seed) for text in asked]
        # Greedy: a judge that is asked again, after a worker was cut off, says the same.
        return self._science.answer(
            self._model,
            asked,
            temperature=0.0,
            top_p=1.0,
            max_tokens=TOKENS,
            seed=self._seed,
            keys=[f"judge/{index}/{place}" for place in range(len(asked))],
        )
