"""How the learner of a spec is made: model, branches, prompts in the form that the model takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from poets_core.errors import InvalidSpec
from poets_core.lm.backbone import load_backbone
from poets_core.lm.prompts import ids_of, require_room
from poets_core.protocols import Check
from poets_core.rewards.learner import Learner, ensemble_for
from poets_core.spec.rewards import RewardsSpec
from poets_core.types import I8
from poets_core.verifiable import VerifiableTask


def build_learner(spec: RewardsSpec, task: VerifiableTask, source: Path, check: Check) -> Learner:
    """Return the learner of a run before its first round.

    Args:
        spec: of the run; task: of it.
        source: where the model lies.
        check: called inside every long step, now and in all rounds.

    Raises:
        InvalidModel, InvalidSpec: a model that does not load or know the prompts, or a device that is not there.
    """
    torch.set_num_threads(spec.threads)
    if spec.device == "cuda" and not torch.cuda.is_available():
        raise InvalidSpec(
            "Expected a CUDA device because device is 'cuda', got none. Use 'auto' or 'cpu'.", field="device"
        )
    device = "cuda" if spec.device != "cpu" and torch.cuda.is_available() else "cpu"
    backbone = load_backbone(source, branch_from=spec.backbone.branch_from, device=device, name=spec.backbone.source)
    ensemble = ensemble_for(backbone, task, spec.rewards, seed=spec.seed)
    ensemble.check = check
    if spec.backbone.template == "chat":
        prompts = [i.prompt for i in (*task.train, *task.held_out)]
        ids = ids_of(backbone.tokenizer, prompts, "chat", eos=backbone.vocabulary.eos, source=spec.backbone.source)
        require_room(prompts, ids, spec.rewards.max_tokens, ensemble.positions, spec.backbone.source)
        # The same branches, read after other tokens; adapters are shared.
        ensemble = ensemble.reading(ids)
    return Learner(ensemble, task, spec.rewards, seed=spec.seed)


def facts_of(learner: Learner) -> dict[str, Any]:
    """Return what a resumed run must meet again: the model's weights, its cut, the scale of the prior."""
    backbone = learner.ensemble.backbone
    return {
        "source": backbone.source,
        "weights": backbone.weights,
        "layers": backbone.layers,
        "branch_from": backbone.branch_from,
        "positions": learner.ensemble.positions,
        "device": str(backbone.device.type),
        "prior_factor": learner.prior_factor,
    }


def writing_branches(learner: Learner) -> I8:
    """Return the branches that a finished run leaves: all, or of perturbations the best few."""
    return np.asarray(learner.update.writers())
