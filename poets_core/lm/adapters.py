"""How a branch leaves and comes back: as one standard PEFT adapter.

A branch leaves as ONE adapter of rank prior_rank + rank that holds the prior
and the trained part, so that `peft.PeftModel.from_pretrained` gives the same
policy. Files are safetensors and a JSON configuration.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from poets_core.errors import InvalidModel
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.files import check_adapter, check_base, read_config, safetensors_shapes

PREFIX, A_KEY = "base_model.model.", ".lora_A.weight"
WEIGHTS, CONFIG, README = "adapter_model.safetensors", "adapter_config.json", "README.md"


def adapter_files(ensemble: BranchEnsemble, branch: int) -> dict[str, bytes]:
    """Return one branch as the files of a PEFT LoRA adapter: name -> contents. Nothing is written.

    Args:
        ensemble: the branches.
        branch: index 0..M-1.

    Raises:
        IndexError: no such branch.
    """
    if not 0 <= branch < ensemble.branches:
        raise IndexError(f"Expected a branch between 0 and {ensemble.branches - 1}, got {branch}.")
    return _files(ensemble, [branch], f"Branch {branch}")


def mean_adapter_files(ensemble: BranchEnsemble, branches: Sequence[int]) -> dict[str, bytes]:
    """Return the mean of several branches as the files of one PEFT adapter; see `poets_core.lm.merging`.

    Args:
        ensemble: the branches.
        branches: indices, at least one.
    """
    return _files(ensemble, branches, f"The mean of branches {', '.join(map(str, branches))}")


def _files(ensemble: BranchEnsemble, branches: Sequence[int], title: str) -> dict[str, bytes]:
    # Names and layout are those of peft, so that its own loader gives the same policy without a line of ours.
    tensors: dict[str, Tensor] = {}
    conv = False
    for path, layer in ensemble.stack.layers.items():
        a, b = layer.blocks()
        conv = conv or layer.base.conv
        # Blocks side by side add up: a sum of products is one product of a larger rank.
        sides = torch.cat([a[m] for m in branches]), torch.cat([b[m] / len(branches) for m in branches], dim=1)
        for name, side in zip("AB", sides, strict=True):
            tensors[f"{PREFIX}{path}.lora_{name}.weight"] = side.detach().cpu().clone().contiguous()
    rank = (ensemble.shape.rank + ensemble.shape.prior_rank) * len(branches)
    # Only what every version of peft since 0.4 knows: older ones refuse a key they do not know, even if it says null.
    config: dict[str, object] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": ensemble.backbone.source,
        "r": rank,
        "lora_alpha": ensemble.shape.scaling * rank,
        "target_modules": sorted(ensemble.stack.layers),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": conv,
        "inference_mode": True,
    }
    # The head of many models is their table of embeddings. Merging adds the head's delta to it, and then every word
    # would be read as another one. An adapter that brings the table along leaves the embeddings as they were.
    tied = _tied_embeddings(ensemble)
    if tied is not None:
        path, table = tied
        tensors[f"{PREFIX}{path}.weight"] = table.detach().cpu().clone().contiguous()
        config["modules_to_save"] = [path.rsplit(".", 1)[-1]]
    return {
        WEIGHTS: save(tensors, metadata={"format": "pt"}),
        CONFIG: json.dumps(config, indent=2, sort_keys=True).encode(),
        README: _readme(ensemble.backbone.source, title, tied=tied is not None).encode(),
    }


def _tied_embeddings(ensemble: BranchEnsemble) -> tuple[str, Tensor] | None:
    """Return path and weight (V, D) of the embeddings where the head shares them; None where it has its own."""
    model = ensemble.backbone.model
    embeddings: nn.Module = model.get_input_embeddings()
    weight: Tensor = embeddings.weight  # type: ignore[assignment]
    if ensemble.backbone.head.weight is not weight:
        return None
    return next(name for name, module in model.named_modules() if module is embeddings), weight


def _readme(source: str, title: str, *, tied: bool) -> str:
    """Return how the adapter is used and merged, as Markdown; a test runs the program in it."""
    where, note = repr(source), "A name that is no folder and no Hugging Face name ships with POETS, in `domains/`."
    unpacked = ""
    if source == "library":  # beside `adapters`, in the folder of a run as in its archive
        where, note = '"../../backbone"', "The run trained it itself; it lies beside the folder `adapters`."
    elif source.endswith(".gguf"):
        path = Path(source)
        where, note = f'"{path.parent.as_posix()}", gguf_file="{path.name}"', "Its weights are read as float32."
        unpacked = (
            "merged.hf_quantizer = None  # the weights were unpacked when they were read\n"
            'vars(merged.config).pop("quantization_config", None)\n'
        )
    head = (
        "The head of the base model is tied to its embeddings (peft warns of it). Only the head is adapted, so this\n"
        "folder brings the embeddings along as they were, and a merged model has a head of its own."
        if tied
        else "The base model has a head of its own; nothing is tied."
    )
    return f"""# {title} as a LoRA adapter

Base model: `{source}`. {note}

```python
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained({where}, dtype=torch.float32)
model = PeftModel.from_pretrained(base, ".").eval()  # "." is the folder of this file

merged = model.merge_and_unload()  # one model that needs no peft; its logits differ by rounding only
merged.config.tie_word_embeddings = False  # so that loading does not tie the head again
{unpacked}merged.save_pretrained("merged")
```

{head}

The grammar of the search is not part of the adapter: what is sampled here may be no valid design.
"""


def export_adapter(ensemble: BranchEnsemble, branch: int, folder: Path) -> Path:
    """Write the files of `adapter_files` into a folder, which is made if needed; return the folder."""
    files = adapter_files(ensemble, branch)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
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
    config = read_config(config_path)
    check_adapter(folder, config, len(ensemble.stack.layers))
    safetensors_shapes(weights_path)  # the header does not lie, before anything is allocated by it
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    check_base(config, ensemble.backbone.source, folder)
    try:
        tensors = load_file(weights_path)
    except (OSError, ValueError, SafetensorError) as error:
        raise InvalidModel(f"Expected a PEFT LoRA adapter in {folder}, got: {error}.") from error
    # Nothing of a foreign file is taken for granted: ranks are read off the tensors, what would change the policy and
    # has no place here (DoRA, biases, whole modules) is refused, and so is a layer that this ensemble does not adapt.
    ranks = {k.removesuffix(A_KEY): int(t.shape[0]) for k, t in tensors.items() if k.endswith(A_KEY)}
    ranks = ranks if config.get("rank_pattern") else dict.fromkeys(ranks, rank)
    widest = max(ranks.values(), default=rank)
    unsupported = [k for k in ("use_dora", "alpha_pattern") if config.get(k)]
    if unsupported or config.get("bias", "none") != "none" or widest > ensemble.shape.rank:
        raise InvalidModel(
            f"Expected a plain LoRA adapter of rank <= {ensemble.shape.rank}, got rank {widest} with "
            f"{unsupported or 'bias ' + str(config.get('bias', 'none'))}."
        )
    known = {f"{PREFIX}{p}.lora_{k}.weight" for p in ensemble.stack.layers for k in "AB"}
    known |= _nothing_new(ensemble, tensors)
    foreign = sorted(set(tensors) - known)
    if foreign:
        raise InvalidModel(f"Expected adapters on branched layers only, got {foreign[:3]} ({len(foreign)} in all).")
    with torch.no_grad():
        for path, layer in ensemble.stack.layers.items():
            # B = 0 first: a smaller rank then leaves the rest of A without effect, and a layer left out without delta.
            layer.b[branch].zero_()
            a, b = (tensors.get(f"{PREFIX}{path}.lora_{k}.weight") for k in "AB")
            if a is None or b is None:
                continue
            rank = ranks[f"{PREFIX}{path}"]  # may differ between layers (rank_pattern)
            scaling = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
            if a.shape != (rank, layer.in_features) or b.shape != (layer.out_features, rank):
                raise InvalidModel(f"Expected adapter shapes of {path}, got A {tuple(a.shape)}, B {tuple(b.shape)}.")
            layer.a[branch, :rank].copy_(a)
            layer.b[branch, :, :rank].copy_(b * (scaling / layer.shape.scaling))


def _nothing_new(ensemble: BranchEnsemble, tensors: dict[str, Tensor]) -> set[str]:
    """Return names of whole frozen weights that an adapter brings along and that are equal to this ensemble's.

    peft adds the frozen head where it carries an adapter, and `adapter_files` the embeddings that are tied to it.
    """
    frozen = {f"{PREFIX}{p}.base_layer.weight": x.base.plain.weight for p, x in ensemble.stack.layers.items()}
    if (tied := _tied_embeddings(ensemble)) is not None:
        frozen[f"{PREFIX}{tied[0]}.weight"] = tied[1]
    return {k for k, weight in frozen.items() if k in tensors and torch.equal(tensors[k], weight.detach().cpu())}  # type: ignore[operator]
