"""From form values to a RunSpec: fields, validation. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domains.catalog import check_params
from domains.entry import Entry
from poets_core.errors import InvalidSpec
from poets_core.presets import METHODS, PRESETS
from poets_core.spec import BackboneSpec, Budget, ContestSpec, Method, RunSpec, SearchSpec, parse_spec

Section = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Setting:
    """One form field of a RunSpec section.

    Attributes:
        section, name: where the value goes, e.g. ``"search"``, ``"beta"``.
        label, help: for people.
        advanced: hidden until asked for.
    """

    section: str
    name: str
    label: str
    help: str
    advanced: bool = False

    @property
    def path(self) -> str:
        """Dotted place in the spec."""
        return f"{self.section}.{self.name}"


SETTINGS: tuple[Setting, ...] = (
    Setting("budget", "rounds", "Rounds", "Propose, measure, learn: so many times."),
    Setting("budget", "batch", "Designs per round", "Oracle calls in each round. Rounds times this is the budget."),
    Setting("search", "branches", "Branches", "Policies in the ensemble. Their disagreement is the uncertainty."),
    Setting("search", "edit_share", "Share of edits", "Part of a pool that edits good designs; the rest is written."),
    Setting("search", "prior_scale", "Spread before data (c)", "How far branches start apart, in reward s.d."),
    Setting("search", "tempering", "Tempering (τ)", "A branch's own opinion against the mean's. 1: only its own."),
    Setting("search", "pool", "Pool", "Designs considered for each one that is measured."),
    Setting("search", "beta", "KL weight (β)", "Pull to the reference model, in reward s.d."),
    Setting("search", "steps", "Training steps per round", "Adam steps after each round."),
    Setting("search", "transform", "Reward transform", "“log” for positive, skewed values; “z” for others."),
    Setting("search", "learning_rate", "Learning rate", "Step size of Adam, the optimiser.", True),
    Setting("search", "minibatch", "Minibatch", "Observations in each training step.", True),
    Setting("search", "gradient_norm", "Largest gradient norm", "Longer gradients are shortened to this.", True),
    Setting("search", "best_share", "Share of the best", "Part of a minibatch that replays the best quarter.", True),
    Setting("search", "adapt_edits", "Adapt the share of edits", "It follows what edits have brought.", True),
    Setting("search", "bootstrap", "Bootstrap", "Each branch learns from its own draw of the data.", True),
    Setting("search", "stop_early", "Stop early", "Each branch keeps its best step on data left out.", True),
    Setting("search", "rank", "Adapter rank", "Size of the trained adapter of each branch.", True),
    Setting("search", "prior_rank", "Prior adapter rank", "Size of the fixed adapter that sets branches apart.", True),
    Setting("search", "elites", "Elites", "How many of the best designs edits start from.", True),
    Setting("search", "reset_every", "Reset every", "Start the adapters afresh every so many rounds. 0: never.", True),
    Setting("search", "mutations", "Edits per child", "One after the other, on average.", True),
    Setting("search", "clip", "Clip", "How far a policy may move from the one that drew the data.", True),
    Setting("search", "replay", "Learn from all rounds", "Off: from the last one alone.", True),
    Setting("search", "exploration", "Exploration", "Weight of the uncertainty. 0: actor-critic.", True),
    Setting("search", "shared_pool", "One pool for all", "Off: each place in a round keeps to its own pool.", True),
    Setting("search", "allow_repeats", "Measure designs again", "Sensible for noisy oracles only.", True),
    Setting("search", "exact_regret", "Exact soft regret", "For small tables: each round on every design.", True),
    Setting("backbone", "branch_from", "First own layer", "Lower layers are shared. -1: the last. Library: 0.", True),
    Setting("backbone", "cache_mb", "Trunk cache (MB)", "Memory for lower layers' results; more goes to disk.", True),
    Setting("backbone", "width", "Width", "Of a library model, in units.", True),
    Setting("backbone", "layers", "Layers", "Of a library model.", True),
    Setting("backbone", "steps", "Library training steps", "Training of a library model when the run starts.", True),
)  # fmt: skip

CONTEST: tuple[Setting, ...] = (
    Setting("contest", "every", "Rounds between contests", "A contest is held after every so many rounds."),
    Setting("contest", "comparisons", "Comparisons, at most", "In one contest; each takes two oracle calls."),
    Setting("contest", "delta", "Largest error (δ)", "Probability that a contest names a wrong branch, at most."),
)
"""Fields of the contests among the branches, which a search may do without."""

_MODELS: dict[str, type[SearchSpec] | type[Budget] | type[BackboneSpec]] = {
    "search": SearchSpec,
    "budget": Budget,
    "backbone": BackboneSpec,
}


def limits(setting: Setting) -> tuple[float | None, float | None]:
    """Return the inclusive limits that the RunSpec sets for a field, None where it sets none.

    An exclusive limit is not returned: a form cannot express it, so the spec's own
    check answers beside the field.
    """
    low = high = None
    model = ContestSpec if setting.section == "contest" else _MODELS[setting.section]
    for rule in model.model_fields[setting.name].metadata:
        low = getattr(rule, "ge", low)
        high = getattr(rule, "le", high)
    return low, high


def defaults(entry: Entry, preset: str, method: Method = "poets") -> dict[str, dict[str, Any]]:
    """Return all settings of a run: the spec's, then the problem's, the preset's, and those a rival was tuned to."""
    out: dict[str, dict[str, Any]] = {name: model().model_dump() for name, model in _MODELS.items()}
    out["backbone"]["source"] = entry.backbones[0]
    rival = {"search": {**METHODS[method].settings, "method": method}}
    for layer in (entry.settings, PRESETS[preset].settings, rival):
        for section, values in layer.items():
            out[section].update(values)
    # Validated once, so that a share that a catalog writes as 1 is a float like any other share.
    return {name: model.model_validate(out[name]).model_dump() for name, model in _MODELS.items()}


def build_spec(
    entry: Entry, params: Mapping[str, Any], sections: Section, *, label: str = "", seed: int = 0, device: str = "auto"
) -> tuple[RunSpec | None, dict[str, str]]:
    """Validate a form into a RunSpec.

    Args:
        entry: the problem.
        params: its parameters by name.
        sections: ``search``, ``budget`` and ``backbone`` values by name, and ``contest`` if there are to be any.
        label, seed, device: of the run.

    Returns:
        the spec, None if anything is wrong; and messages by dotted field
        (``"search.beta"``, ``"params.table"``, ``""`` where no field can be named).
    """
    errors: dict[str, str] = {}
    checked: dict[str, Any] = {}
    try:
        checked = check_params(entry.name, params)
    except InvalidSpec as error:
        named = [p.name for p in entry.parameters if repr(p.name) in str(error)]
        errors[f"params.{named[0]}" if named else ""] = str(error)
    data = {
        "label": label,
        "problem": {"name": entry.name, "params": checked},
        "seed": seed,
        "device": device,
        **{k: dict(v) for k, v in sections.items()},
    }
    try:
        spec = parse_spec(data, where="the form")
    except InvalidSpec as error:
        # The validation error behind it knows the fields; its text alone would have to be taken apart again.
        details: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
        for item in details:
            errors[".".join(map(str, item["loc"]))] = f"{item['msg']}; got {item.get('input')!r}."
        if not details:
            errors[""] = str(error)
        return None, errors
    return (None, errors) if errors else (spec, errors)


def checked(entry: Entry, params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a run stores them, defaults filled in; as they are while one is wrong."""
    try:
        return check_params(entry.name, params)
    except InvalidSpec:
        return dict(params)


def rival_of(spec: RunSpec, sections: Section) -> RunSpec:
    """A baseline beside a run: its own search settings, no contests, everything else the run's.

    Args:
        spec: the run.
        sections: `defaults` of the rival's method.
    """
    search = SearchSpec.model_validate({**sections["search"], "allow_repeats": spec.search.allow_repeats})
    label = f"{spec.label} · {METHODS[search.method].title}" if spec.label else ""
    return spec.model_copy(update={"search": search, "contest": None, "label": label[:120]})


def quick_spec(entry: Entry) -> RunSpec:
    """Return the quick-look run of a problem whose parameters all have defaults.

    Raises:
        InvalidSpec: a parameter has no default.
    """
    spec, errors = build_spec(entry, {}, defaults(entry, "quick"), label=f"First look: {entry.title}")
    if spec is None:
        raise InvalidSpec("\n".join(errors.values()))
    return spec
