"""How the search that a RunSpec describes is built: its backbone, its ensemble, its method."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch

from poets_core.errors import InvalidDesign, InvalidSpec
from poets_core.keyed import rng_for
from poets_core.lm.backbone import Backbone, cut, load_backbone, read_model, vocabulary_of
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.grammar import MaskTable
from poets_core.lm.kernels import repeatable
from poets_core.lm.library import library_vocabulary, train_context_backbone, train_library_backbone
from poets_core.lm.lora import AdapterShape
from poets_core.protocols import Check, Problem, Search, unheard
from poets_core.search.poets.poets import PoetsSearch
from poets_core.search.poets.whole_space import LARGEST as LARGEST_SCORED
from poets_core.search.rivals.boosting import BoostingSearch
from poets_core.search.rivals.gaussian_process import GPSearch
from poets_core.search.rivals.genetic import GeneticSearch
from poets_core.search.rivals.in_context import InContextSearch
from poets_core.search.rivals.kl_thompson import KLThompsonSearch
from poets_core.search.rivals.policy_gradient import PolicyGradientSearch
from poets_core.search.rivals.ppo import PPOSearch
from poets_core.search.rivals.reference import ReferenceSearch
from poets_core.search.rivals.string_search import StringGPSearch
from poets_core.search.rivals.tosfit import ToSFiTSearch
from poets_core.search.sampler import Sampler
from poets_core.search.space import product_space
from poets_core.spec import (
    DESIGNED_WIDTH,
    NGRAM_WIDTH,
    BestOfReferenceSettings,
    BoostingSettings,
    GaussianProcessSettings,
    GeneticSettings,
    GRPOSettings,
    InContextSettings,
    KLThompsonSettings,
    MethodSettings,
    PoetsSettings,
    PolicyGradientSettings,
    PPOSettings,
    ReferenceSettings,
    RLOOSettings,
    SearchSpec,
    StringProcessSettings,
    ToSFiTSettings,
)
from poets_core.types import Vocabulary

LIBRARY_DESIGNS = 8192
FAMILIES = 1024
"""Rows of related designs that a reader is trained on."""
READER_STEPS = 3
"""Training steps of a reader for each of the backbone's: copying out of the prompt is learnt later than letters are."""
UNTRAINED_RANK = 8
"""Of the one adapter that an ensemble has for a method that trains none; it stays zero."""
SEARCHES: dict[type[MethodSettings], Callable[[Sampler, SearchSpec], Search]] = {
    PoetsSettings: PoetsSearch,
    GaussianProcessSettings: GPSearch,
    StringProcessSettings: StringGPSearch,
    BoostingSettings: BoostingSearch,
    GeneticSettings: GeneticSearch,
    GRPOSettings: PolicyGradientSearch,
    PPOSettings: PPOSearch,
    RLOOSettings: PolicyGradientSearch,
    ToSFiTSettings: ToSFiTSearch,
    KLThompsonSettings: KLThompsonSearch,
    InContextSettings: InContextSearch,
    BestOfReferenceSettings: GPSearch,
    ReferenceSettings: ReferenceSearch,
}
"""The search of each method, by the class of its settings."""
LARGEST_RANK = 256
"""Of the one block that the exact fit sets; a smaller vocabulary or width needs less."""


def train_backbone(problem: Problem, spec: SearchSpec, folder: Path, check: Check = unheard) -> None:
    """Train the small backbone of a run on its problem's own corpus; a pure function of problem and spec.

    Args:
        problem: writes the corpus.
        spec: sizes, steps and seed.
        folder: receives the model's files.
        check: called before every step.

    Raises:
        InvalidModel: the problem has no corpus.
    """
    torch.set_num_threads(spec.threads)
    part = spec.backbone
    texts = problem.library(LIBRARY_DESIGNS, rng=rng_for(spec.seed, "library"))
    features = _features(problem, spec, library_vocabulary(texts))
    train_library_backbone(
        texts,
        folder,
        width={"designed": DESIGNED_WIDTH, "n-grams": NGRAM_WIDTH}.get(features, part.width),
        layers=part.layers,
        steps=part.steps,
        positions=2 * problem.info.max_tokens + 4,
        features=features,
        alike=getattr(problem, "alike", None),
        seed=spec.seed,
        check=check,
    )


def _features(problem: Problem, spec: SearchSpec, vocabulary: Vocabulary) -> Literal["trained", "designed", "n-grams"]:
    """Return what a small backbone's features are: as the spec says, or what suits the space and how branches learn."""
    said = spec.backbone.features
    if said != "auto":
        return said
    if not learns_exactly(problem, spec, vocabulary):
        return "trained"
    return "designed" if _few_places(problem, vocabulary) else "n-grams"


def _few_places(problem: Problem, vocabulary: Vocabulary) -> bool:
    """Return whether all designs of a problem can be scored: one prompt, a grammar, few places."""
    # Several prompts, or no grammar: there is no one space that a slot could take the best of.
    mask = problem.mask(vocabulary)
    if mask is None or len(problem.prompts) > 1:
        return False
    table = MaskTable(mask, len(vocabulary.tokens), torch.device("cpu"))
    return product_space(table, vocabulary.eos, largest=LARGEST_SCORED) is not None


def learns_exactly(problem: Problem, spec: SearchSpec, vocabulary: Vocabulary) -> bool:
    """Return whether branches are draws of the exact posterior: as the spec says, or where all designs can be scored.

    Args:
        problem: whose designs they are.
        spec: settings.
        vocabulary: of the backbone.
    """
    s = spec.search
    if not isinstance(s, PoetsSettings) or s.fit != "auto":
        return isinstance(s, PoetsSettings) and s.fit == "exact"
    return _few_places(problem, vocabulary)


def build_search(
    problem: Problem, spec: SearchSpec, *, backbone: Path | str, workspace: Path, check: Check = unheard
) -> Search:
    """Load the backbone and set the search up at round 0.

    Args:
        problem: what to optimise.
        spec: settings.
        backbone: folder or hub name, or ``"library"`` to train one on the
            problem's own corpus; it is saved in ``workspace/backbone`` and
            loaded from there when the run resumes.
        workspace: the run's folder.
        check: called inside long steps, then and in all rounds.

    Raises:
        InvalidSpec: a device that is not here, or a transform that cannot be.
        InvalidModel: the backbone cannot be used.
    """
    torch.set_num_threads(spec.threads)
    device = device_of(spec.device)
    if device == "cuda":
        repeatable()
    check_transform(problem, spec)
    source: Path | str = backbone
    part = spec.backbone
    if backbone == "library":
        source = workspace / "backbone"
        if not (source / "model.safetensors").is_file():
            train_backbone(problem, spec, source, check)
    # Adapters name the backbone as the spec does: a path of this machine means nothing elsewhere.
    # Read before it is cut: where the branch point lies depends on how many designs the vocabulary can spell.
    weights, tokenizer = read_model(source)
    exact = learns_exactly(problem, spec, vocabulary_of(weights, tokenizer))
    spec = _settled(spec, exact)
    branch_from = None if exact else part.branch_from
    model = cut(weights, tokenizer, branch_from=branch_from, device=device, source=part.source)
    mask = problem.mask(model.vocabulary)
    max_tokens = mask.max_tokens if mask is not None else _longest(problem, model, spec)
    # A library backbone is trained on this problem's designs alone and knows no prompts.
    prompts = ("",) * len(problem.prompts) if backbone == "library" else problem.prompts
    shape = _shape(spec, model)
    ensemble = BranchEnsemble(model, shape, prompts, mask, max_tokens=max_tokens, seed=spec.seed, check=check)
    search = SEARCHES[type(spec.search)](Sampler(problem, ensemble, spec.seed, max_tokens), spec)
    if isinstance(search, InContextSearch):
        # A library backbone has seen single designs alone: what stands before one means nothing to it.
        search.read_with(_reader(search, workspace, check) if backbone == "library" else ensemble)
    search.facts |= {
        "source": spec.backbone.source,
        "parameters": sum(p.numel() for p in model.model.parameters() if not p.requires_grad),
        "trainable": sum(p.numel() for p in ensemble.parameters()),
        "layers": model.layers,
        "branch_from": model.branch_from,
        "vocabulary": len(model.vocabulary.tokens),
        "grammar": mask is not None,
        "weights": model.weights,
        "device": device,
        **({"exact": exact} if isinstance(spec.search, PoetsSettings) else {}),
    }
    return search


def _reader(search: InContextSearch, workspace: Path, check: Check) -> BranchEnsemble:
    """Return the model that reads where the backbone knows single designs alone; trained when it is first needed.

    A row of its corpus is a family: a design of the problem's library, then edits of those before. It learns to go on
    with a relative of what stands there, and knows no values.
    """
    problem, spec, ensemble = search.problem, search.spec, search.ensemble
    folder, longest = workspace / "context", search.settings.context + 1
    if not (folder / "model.safetensors").is_file():
        families = _families(problem, longest, spec.seed, check)
        part, own = spec.backbone, max(map(len, ensemble.prompt_ids))
        train_context_backbone(
            families,
            ensemble.backbone.tokenizer,
            folder,
            width=part.width,
            layers=max(2, part.layers),
            steps=READER_STEPS * part.steps,
            positions=longest * (own + search.sampler.max_tokens),
            seed=spec.seed,
            check=check,
        )
    model = load_backbone(folder, device=device_of(spec.device), name=spec.backbone.source)
    prompts = ("",) * len(problem.prompts)
    return BranchEnsemble(
        model,
        AdapterShape(branches=1, rank=UNTRAINED_RANK, prior_rank=0),
        prompts,
        ensemble.table.mask,
        max_tokens=search.sampler.max_tokens,
        seed=spec.seed,
        check=check,
    )


def _families(problem: Problem, size: int, seed: int, check: Check) -> list[list[str]]:
    """Return rows of related designs as a backbone writes them: one of the library, then edits of those before."""
    rng = rng_for(seed, "context families")
    families = []
    for text in problem.library(FAMILIES, rng=rng):
        check()
        try:
            family = [problem.decode(text)]
        except InvalidDesign:  # a corpus may hold what the oracle refuses
            continue
        # Edits of any member, not of the last: what the reader shall learn is to go on with a relative of the whole.
        while len(family) < size:
            family += problem.edit(family, 1, rng=rng)
        families.append([problem.encode(design) for design in family])
    return families


def _settled(spec: SearchSpec, exact: bool) -> SearchSpec:
    """Return the spec with "auto" in the place of how branches learn replaced by what it means here."""
    if not isinstance(spec.search, PoetsSettings):
        return spec
    fit = "exact" if exact else "gradient"
    return spec.model_copy(update={"search": spec.search.model_copy(update={"fit": fit})})


def _shape(spec: SearchSpec, model: Backbone) -> AdapterShape:
    s = spec.search
    if isinstance(s, PoetsSettings) and s.fit == "exact":
        # The prior is part of the one block, whose rank must not cut what the data say.
        whole = min(len(model.vocabulary.tokens), int(model.model.config.hidden_size))
        return AdapterShape(branches=s.branches, rank=min(whole, LARGEST_RANK), prior_rank=0)
    rank = s.rank if isinstance(s, PoetsSettings | PolicyGradientSettings) else UNTRAINED_RANK
    # Without prior adapters their rank is zero, so that nothing of them is computed or exported.
    prior_rank = s.prior_rank if isinstance(s, PoetsSettings) and s.prior_scale > 0 else 0
    return AdapterShape(branches=max(1, s.policies), rank=rank, prior_rank=prior_rank)


def _longest(problem: Problem, model: Backbone, spec: SearchSpec) -> int:
    """Tokens to allow where there is no grammar: a quarter more than the library's longest design, end included.

    Lengths of a problem count its own units, of which a backbone may need several tokens each.
    """
    texts = problem.library(256, rng=rng_for(spec.seed, "lengths"))
    return max(len(model.completion_ids(t)) for t in texts) * 5 // 4 + 1


def check_transform(problem: Problem, spec: SearchSpec) -> None:
    """Refuse a reward transform that the objective cannot have.

    Raises:
        InvalidSpec: the logarithm of what is minimised.
    """
    objective = problem.info.objectives[0]
    if spec.search.transform == "log" and objective.direction == "minimise":
        raise InvalidSpec(
            f"Expected transform 'auto' or 'z' for {objective.name!r}, which is minimised, got 'log'.",
            field="search.transform",
        )


def device_of(asked: str) -> str:
    """Return ``"cuda"`` or ``"cpu"``.

    Args:
        asked: the spec's device, ``"auto"`` for a GPU where there is one.

    Raises:
        InvalidSpec: a GPU was asked for and there is none.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise InvalidSpec(
            "Expected a CUDA device because device is 'cuda', got none. Use 'auto' or 'cpu'.", field="device"
        )
    return "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"
