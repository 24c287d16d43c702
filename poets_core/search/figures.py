"""The figures that a round reports: name, meaning and unit of each.

The table of docs/architecture.md is printed from here (`python -m scripts.reference`), and tests compare it with what
every method reports.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One or several figures of `Updated.metrics`.

    Attributes:
        names: keys.
        says: what they are, for people.
        unit: of each, ``""`` for none.
        methods: who reports them: ``"all"``, ``"poets"``, or the rivals by name.
    """

    names: tuple[str, ...]
    says: str
    unit: str
    methods: tuple[str, ...] = ("poets",)


# Groups of methods that report the same, so that one name stands for them below.
POLICY_GRADIENTS = ("grpo", "ppo", "rloo")
PROCESSES = ("gp", "best-of-reference", "klts")
# In the order in which the reference shows them: a test prints this table into the documentation and compares.
FIGURES: tuple[Figure, ...] = (
    Figure(("unique", "valid"), "distinct designs and valid answers of this round", "share", ("all",)),
    Figure(
        ("reward_location", "reward_scale", "reward_log"),
        "how values became rewards: (f(value) - location) / scale, f the logarithm or the sign",
        "unit of f(value), flag",
        ("all",),
    ),
    Figure(
        ("js_sequence",),
        "Jensen-Shannon divergence of the branches over whole designs, estimated from their own samples "
        "(max(4, 64 // M) each)",
        "nats, 0 to log M",
    ),
    Figure(
        ("js_token",),
        "the same over next tokens, mean over all places of the 64 probe samples, exact there",
        "nats, 0 to log M",
    ),
    Figure(("js_matrix",), "(M, M), branch against branch, over designs", "nats, 0 to log 2"),
    Figure(
        ("spread",),
        "mean over this round's designs of the deviation over branches of predicted rewards, before measuring; where "
        "branches learn exactly, with the noise of a measurement; null in round 0",
        "reward s.d.",
    ),
    Figure(
        ("spread_probe", "spread_replay"),
        "root mean square over designs of the deviation over branches of centred implicit rewards, on the probe "
        "samples and on all observations; null with one branch",
        "reward s.d.",
    ),
    Figure(
        ("kl",),
        "mean of log pi_m - log pi_ref on a branch's own samples; POETS: of each branch",
        "nats",
        ("poets", *POLICY_GRADIENTS),
    ),
    Figure(("entropy",), "mean of -log pi_m over those samples", "nats a design", ("poets", *POLICY_GRADIENTS)),
    Figure(("loss",), "per branch: matching loss on all observations, centred over all of them", "squared reward s.d."),
    Figure(("ess",), "per branch: (sum w)² / sum w² of its bootstrap weights", "observations"),
    Figure(
        ("coverage",),
        "share of this round's valid values within mean ± 2 deviations, judged by the scale that predicted them; null "
        "in round 0",
        "share",
    ),
    Figure(
        ("coverage_scaled", "interval_factor"),
        "the same with intervals multiplied by what the errors of past rounds needed for 95 %, and that factor; null "
        "before 20 errors",
        "share, 1",
    ),
    Figure(("prediction_error",), "root mean square error of what was predicted of this round", "reward s.d."),
    Figure(
        ("error_correlation",),
        "Spearman's rank correlation of predicted deviation and absolute error, on the same values; null in round 0",
        "",
    ),
    Figure(
        ("soft_regret",),
        "beta KL(pi_m ‖ pi*) of each branch over the whole space, after the fit; only with `search.exact_regret`",
        "reward s.d.",
    ),
    Figure(("length_scale",), "of a Gaussian process after its fit", "1", PROCESSES),
    Figure(
        ("noise", "amplitude"),
        "variance of an observation and of the process after its fit; POETS: where branches learn exactly",
        "1",
        (*PROCESSES, "poets"),
    ),
    Figure(("linear_error",), "root mean square of what the exact fit leaves of its own observations", "reward s.d."),
    Figure(
        ("block_amplitudes",),
        "mean square of each kind of feature, chosen by evidence; where the small model has n-gram features",
        "1",
    ),
    Figure(
        ("word_shares", "string_noise"),
        "string kernel after its fit: share of each part in the variance, words of one token first, positions last; "
        "noise variance",
        "share, 1",
        ("string-gp",),
    ),
)


def figures_of(method: str) -> set[str]:
    """Return the names that a method may report."""
    return {name for f in FIGURES if "all" in f.methods or method in f.methods for name in f.names}
