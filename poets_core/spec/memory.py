"""What memory a search needs, before anything is loaded: from its spec, and from a model's own description.

An estimate, meant to tell what fits from what cannot: parts below a tenth of the whole are not counted. Without torch,
so that a form can ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from poets_core.errors import InvalidSpec
from poets_core.intake import JSON_BYTES, read_file, read_json
from poets_core.spec.base import DESIGNED_WIDTH, NGRAM_WIDTH
from poets_core.spec.methods import PoetsSettings
from poets_core.spec.policy_gradients import PolicyGradientSettings
from poets_core.spec.rewards import RewardsSpec
from poets_core.spec.search import SearchSpec
from poets_core.spec.surrogates import KLThompsonSettings, SurrogateSettings

BASE = 900 * 2**20
"""Bytes of a worker before it loads anything: Python, torch, transformers and the science."""
FLOAT32, FLOAT64 = 4, 8
STATES = 3
"""Copies of a number while it is trained or sorted: itself, and what is computed from it."""
LIBRARY_WORDS = 64
"""Tokens of a small backbone at most, as the problems that ship have them."""
WRITTEN = 512
"""Answers that are written together (`poets_core.rewards.answers.ROWS`)."""
SPACE = 250_000
"""Designs of the largest space that is enumerated (`poets_core.search.space.LARGEST`)."""


@dataclass(frozen=True)
class ModelSize:
    """The sizes of a causal language model.

    Attributes:
        parameters: numbers in its weights.
        width, layers, vocabulary: of it.
    """

    parameters: int
    width: int
    layers: int
    vocabulary: int


@dataclass(frozen=True)
class Memory:
    """An estimate.

    Attributes:
        parts: bytes by the dotted field that they grow with; ``""`` for what every run needs.
    """

    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(self.parts.values())

    def refuse(self, available: int) -> None:
        """Refuse a run that cannot fit.

        Args:
            available: bytes.

        Raises:
            InvalidSpec: it needs more; the message names the largest part.
        """
        if self.total > available:
            field = max(self.parts, key=lambda name: self.parts[name] if name else -1)
            raise InvalidSpec(
                f"Expected a run that fits into {_gib(available)} of free memory, got one that needs about "
                f"{_gib(self.total)}, {_gib(self.parts[field])} of it by {field}. Lower {field}, or use a machine with "
                "more memory.",
                field=field,
            )


def library_size(spec: SearchSpec) -> ModelSize:
    """Return the sizes of the small backbone that a run trains for itself."""
    width, layers, search = spec.backbone.width, spec.backbone.layers, spec.search
    features, fit = spec.backbone.features, search.fit if isinstance(search, PoetsSettings) else "gradient"
    if features == "n-grams" or (features == "auto" and fit == "exact"):
        width, layers = NGRAM_WIDTH, 2  # at a few places less, which is not known before the problem is
    elif features == "designed" or (features == "auto" and fit == "auto"):
        width = DESIGNED_WIDTH
    return ModelSize(layers * 12 * width**2 + 2 * LIBRARY_WORDS * width, width, layers, LIBRARY_WORDS)


def model_size(folder: Path) -> ModelSize | None:
    """Return the sizes of a model as its files tell them; None where they do not.

    Args:
        folder: with config.json and safetensors weights.
    """
    try:
        config = read_json(read_file(folder / "config.json", JSON_BYTES, InvalidSpec), "JSON", InvalidSpec)
        stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        # Weights are read as float32, whatever they are stored in.
        bytes_each = 2 if str(config.get("torch_dtype", config.get("dtype", ""))) in ("float16", "bfloat16") else 4
        found = [config.get(a, config.get(b)) for a, b in _NAMES]
        width, layers, vocabulary = (int(value) for value in found)
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return ModelSize(stored // bytes_each, width, layers, vocabulary)


_NAMES = (("hidden_size", "n_embd"), ("num_hidden_layers", "n_layer"), ("vocab_size", "vocab_size"))


def estimate_memory(spec: SearchSpec, model: ModelSize, tokens: int) -> Memory:
    """Estimate what a search needs at most, on a CPU.

    Args:
        spec: the search.
        model: its backbone.
        tokens: of a design, at most.
    """
    s, batch, calls = spec.search, spec.budget.batch, spec.budget.calls
    # Large layers are kept a second time, packed for the kernels.
    parts = {"": BASE, "backbone.source": 2 * FLOAT32 * model.parameters}
    if isinstance(s, PoetsSettings | PolicyGradientSettings):
        rank = s.rank + (s.prior_rank if isinstance(s, PoetsSettings) else 0)
        # Seven matrices a layer, about 12 widths of inputs and outputs each side, and the head.
        sides = model.layers * 18 * model.width + model.width + model.vocabulary
        # The block, its gradient, Adam's two moments.
        parts["search.branches"] = 4 * FLOAT32 * max(1, s.policies) * rank * sides
    pool = 1 if isinstance(s, KLThompsonSettings) or not isinstance(s, PoetsSettings | SurrogateSettings) else s.pool
    drawn = batch * pool
    # While a pool is drawn, all of its rows lie in the caches of keys and values, and their next tokens in float64.
    row = 2 * FLOAT32 * tokens * model.layers * model.width + STATES * FLOAT64 * model.vocabulary
    # Then its states and tokens are kept until it is scored.
    row += FLOAT32 * tokens * model.width + 40 * tokens
    parts["search.pool" if pool > 1 else "budget.batch"] = drawn * row
    kept = FLOAT32 * calls * tokens * model.width
    parts["budget.rounds"] = min(kept, spec.backbone.cache_mb * 2**20) + 2000 * calls
    if isinstance(s, SurrogateSettings):
        # A draw over a whole space for every slot, and the covariance of all observations.
        parts["budget.batch"] = parts.get("budget.batch", 0) + STATES * FLOAT64 * batch * _space(tokens, model)
        parts["budget.rounds"] += STATES * FLOAT64 * calls**2
    if isinstance(s, PoetsSettings) and s.fit != "gradient":
        # Features of all observations, a draw of the prior for every branch, and what both are multiplied into.
        weights = min(model.vocabulary, LIBRARY_WORDS) * model.width
        parts["budget.rounds"] += STATES * FLOAT32 * calls * weights + STATES * FLOAT64 * calls**2
        parts["search.branches"] += STATES * FLOAT32 * s.branches * weights
    if isinstance(s, PoetsSettings) and s.whole_space:
        parts["search.branches"] += STATES * FLOAT32 * (s.branches + 1) * _space(tokens, model)
    if isinstance(s, PoetsSettings) and s.exact_regret:
        parts["search.branches"] += STATES * FLOAT64 * (s.branches + 1) * _space(tokens, model)
    return Memory(parts)


def _space(tokens: int, model: ModelSize) -> int:
    """Designs of a space that is enumerated, as far as lengths tell; 0 where it is too large to be."""
    letters = min(model.vocabulary, 20)
    size = letters ** min(tokens - 1, 8)
    return size if size <= SPACE else 0


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GB"


def estimate_rewards_memory(spec: RewardsSpec, model: ModelSize, tokens: int) -> Memory:
    """Estimate what a run that learns from rewards needs at most, on a CPU.

    Args:
        spec: of the run.
        model: its backbone.
        tokens: of the longest prompt with the longest answer.
    """
    s, first = spec.rewards, spec.backbone.branch_from
    own = min(model.layers, -first if first < 0 else max(0, model.layers - first))
    rank = s.rank + (s.prior_rank if s.prior_scale > 0 else 0)
    # Seven matrices a layer, about 12 widths of inputs and outputs each side, and the head: see `estimate_memory`.
    sides = own * 18 * model.width + model.width + model.vocabulary
    parts = {"": BASE, "backbone.source": 2 * FLOAT32 * model.parameters}
    parts["rewards.branches"] = 4 * FLOAT32 * s.branches * rank * sides
    # While answers are written: keys and values of every layer, and the next token's probabilities in float64.
    row = 2 * FLOAT32 * tokens * model.layers * model.width + STATES * FLOAT64 * model.vocabulary
    rows = max(s.prompts * s.group, s.judged_train * s.held_out_answers)
    parts["rewards.group"] = min(WRITTEN, rows) * row
    # A step keeps activations of its rows for the gradient; branches are taken in groups, so one is counted.
    step = s.step_prompts * s.step_group
    parts["rewards.step_group"] = step * tokens * FLOAT32 * (own * 18 * model.width + STATES * model.vocabulary)
    # Replayed answers keep their trunk states, and their tokens' log-probabilities.
    window = s.rounds if s.replay == 0 else min(s.replay, s.rounds)
    parts["rewards.replay"] = window * s.prompts * s.group * tokens * (FLOAT32 * model.width + 4 * FLOAT64)
    return Memory(parts)
