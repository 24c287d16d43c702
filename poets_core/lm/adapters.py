"""How a branch leaves and comes back: as one standard PEFT adapter.

A branch leaves as ONE adapter of rank prior_rank + rank that holds the prior
and the trained part, so that `peft.PeftModel.from_pretrained` gives the same
policy. Files are safetensors and a JSON configuration.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from poets_core.errors import InvalidModel
from poets_core.lm.ensemble import BranchEnsemble

A_KEY = ".lora_A.weight"
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def export_adapter(ensemble: BranchEnsemble, branch: int, folder: Path) -> Path:
    """Write one branch as a PEFT LoRA adapter.

    Args:
        ensemble: the branches.
        branch: index 0..M-1.
        folder: created if needed; receives two files.

    Raises:
        IndexError: no such branch.
    """
    from peft import LoraConfig  # wanted at the end of a run only, and slow to import

    if not 0 <= branch < ensemble.branches:
        raise IndexError(f"Expected a branch between 0 and {ensemble.branches - 1}, got {branch}.")
    # Names and layout are those of peft, so that its own loader gives the same policy without a line of ours.
    tensors: dict[str, Tensor] = {}
    conv = False
    for path, layer in ensemble.stack.layers.items():
        a, b = layer.blocks()
        conv = conv or layer.base.conv
        tensors[f"base_model.model.{path}.lora_A.weight"] = a[branch].detach().cpu().clone().contiguous()
        tensors[f"base_model.model.{path}.lora_B.weight"] = b[branch].detach().cpu().clone().contiguous()
    rank = ensemble.shape.rank + ensemble.shape.prior_rank
    config = LoraConfig(
        r=rank,
        lora_alpha=ensemble.shape.scaling * rank,
        target_modules=sorted(ensemble.stack.layers),
        lora_dropout=0.0,
        bias="none",
        fan_in_fan_out=conv,
        task_type="CAUSAL_LM",
        base_model_name_or_path=ensemble.backbone.source,
        inference_mode=True,
    )
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    config.save_pretrained(str(folder))
    return folder


def import_adapter(ensemble: BranchEnsemble, branch: int, folder: Path) -> None:
    """Load a PEFT LoRA adapter into the trainable block of one branch.

    The branch's policy becomes the adapter's, so its prior must be off
    (`prior_rank` 0 or factor 0). Smaller and unequal ranks are padded with zeros; alpha and
    rank-stabilised scaling are folded into B. Layers the adapter leaves out get B = 0.

    Raises:
        InvalidModel: missing or unsafe files, a rank that does not fit, shapes or
            layers that are not of this ensemble, or an active prior.
    """
    config_path, weights_path = folder / CONFIG, folder / WEIGHTS
    if not config_path.is_file() or not weights_path.is_file():
        raise InvalidModel(
            f"Expected {CONFIG} and {WEIGHTS} in {folder}, got {sorted(p.name for p in folder.glob('*'))}."
        )
    if any(x.prior_factor and x.shape.prior_rank for x in ensemble.stack.layers.values()):
        raise InvalidModel("Expected an ensemble without active prior adapters to import into; set prior_scale to 0.")
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        tensors = load_file(weights_path)
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InvalidModel(f"Expected a PEFT LoRA adapter in {folder}, got: {error}.") from error
    # Nothing of a foreign file is taken for granted: ranks are read off the tensors, what would change the policy and
    # has no place here (DoRA, biases, whole modules) is refused, and so is a layer that this ensemble does not adapt.
    ranks = {k.removesuffix(A_KEY): int(t.shape[0]) for k, t in tensors.items() if k.endswith(A_KEY)}
    ranks = ranks if config.get("rank_pattern") else dict.fromkeys(ranks, rank)
    widest = max(ranks.values(), default=rank)
    unsupported = [k for k in ("use_dora", "alpha_pattern", "modules_to_save") if config.get(k)]
    if unsupported or config.get("bias", "none") != "none" or widest > ensemble.shape.rank:
        raise InvalidModel(
            f"Expected a plain LoRA adapter of rank <= {ensemble.shape.rank}, got rank {widest} with "
            f"{unsupported or 'bias ' + str(config.get('bias', 'none'))}."
        )
    known = {f"base_model.model.{p}.lora_{k}.weight" for p in ensemble.stack.layers for k in "AB"}
    # peft adds the frozen head where it carries an adapter; the same weights as here say nothing new.
    known |= {
        k
        for p, layer in ensemble.stack.layers.items()
        if (k := f"base_model.model.{p}.base_layer.weight") in tensors
        and torch.equal(tensors[k], layer.base.plain.weight.detach().cpu())  # type: ignore[operator]
    }
    foreign = sorted(set(tensors) - known)
    if foreign:
        raise InvalidModel(f"Expected adapters on branched layers only, got {foreign[:3]} ({len(foreign)} in all).")
    with torch.no_grad():
        for path, layer in ensemble.stack.layers.items():
            # B = 0 first: a smaller rank then leaves the rest of A without effect, and a layer left out without delta.
            layer.b[branch].zero_()
            a, b = (tensors.get(f"base_model.model.{path}.lora_{k}.weight") for k in "AB")
            if a is None or b is None:
                continue
            rank = ranks[f"base_model.model.{path}"]  # may differ between layers (rank_pattern)
            scaling = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
            if a.shape != (rank, layer.in_features) or b.shape != (layer.out_features, rank):
                raise InvalidModel(f"Expected adapter shapes of {path}, got A {tuple(a.shape)}, B {tuple(b.shape)}.")
            layer.a[branch, :rank].copy_(a)
            layer.b[branch, :, :rank].copy_(b * (scaling / layer.shape.scaling))
