"""Everything that determines a run, as plain validated data: the browser and the command line write it.

A run is a search, an experiment, a run that learns from rewards or a task, and each has the fields that are its own.
Ask `spec.kind`, or ``isinstance(spec, SearchSpec)``.
"""

from poets_core.spec.base import (
    DESIGNED_WIDTH,
    LARGEST_SEED,
    NGRAM_WIDTH,
    BackboneSpec,
    Bounds,
    Budget,
    Mark,
    Names,
    ProblemSpec,
    SpecModel,
)
from poets_core.spec.experiment import JUDGES, ExperimentSettings, ExperimentSpec, PolicySpec
from poets_core.spec.laboratory import PLATES, LaboratorySpec
from poets_core.spec.log_mapping import LogMapping
from poets_core.spec.method import MethodSettings
from poets_core.spec.methods import (
    METHODS,
    GeneticSettings,
    InContextSettings,
    PoetsSettings,
    ReferenceSettings,
    SearchSettings,
)
from poets_core.spec.policy_gradients import (
    GRPOSettings,
    PolicyGradientSettings,
    PPOSettings,
    RLOOSettings,
    ToSFiTSettings,
)
from poets_core.spec.read import RunSpec, parse_spec, read_spec
from poets_core.spec.reward_settings import RewardSettings
from poets_core.spec.rewards import GivenAnswers, RewardBackbone, RewardsSpec
from poets_core.spec.search import CALLS_PER_COMPARISON, ContestSpec, Plan, SearchSpec, calls_in_words, plan_of
from poets_core.spec.surrogates import (
    BestOfReferenceSettings,
    BoostingSettings,
    GaussianProcessSettings,
    KLThompsonSettings,
    StringProcessSettings,
    SurrogateSettings,
)
from poets_core.spec.task import TaskSettings, TaskSpec

__all__ = [
    "CALLS_PER_COMPARISON",
    "DESIGNED_WIDTH",
    "JUDGES",
    "LARGEST_SEED",
    "METHODS",
    "NGRAM_WIDTH",
    "PLATES",
    "BackboneSpec",
    "BestOfReferenceSettings",
    "BoostingSettings",
    "Bounds",
    "Budget",
    "ContestSpec",
    "ExperimentSettings",
    "ExperimentSpec",
    "GRPOSettings",
    "GaussianProcessSettings",
    "GeneticSettings",
    "GivenAnswers",
    "InContextSettings",
    "KLThompsonSettings",
    "LaboratorySpec",
    "LogMapping",
    "Mark",
    "MethodSettings",
    "Names",
    "PPOSettings",
    "Plan",
    "PoetsSettings",
    "PolicyGradientSettings",
    "PolicySpec",
    "ProblemSpec",
    "RLOOSettings",
    "ReferenceSettings",
    "RewardBackbone",
    "RewardSettings",
    "RewardsSpec",
    "RunSpec",
    "SearchSettings",
    "SearchSpec",
    "SpecModel",
    "StringProcessSettings",
    "SurrogateSettings",
    "TaskSettings",
    "TaskSpec",
    "ToSFiTSettings",
    "calls_in_words",
    "parse_spec",
    "plan_of",
    "read_spec",
]
