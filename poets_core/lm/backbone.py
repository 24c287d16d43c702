"""How the frozen language model is loaded (from a folder, a GGUF file or a hub name) and cut at the branch point.

A Hugging Face decoder is used as it is: `Backbone.trunk` and `Backbone.upper`
are shallow copies of it that share every weight but run only their own layers.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.activations import GELUTanh, NewGELUActivation
from transformers.utils import logging as transformers_logging

from poets_core.errors import InvalidModel
from poets_core.lm.families import FAMILIES
from poets_core.lm.files import check_model
from poets_core.lm.frozen import freeze_linears
from poets_core.lm.prompts import plain_ids, text_ids
from poets_core.types import Vocabulary

# Loading is quick here, and its progress bars would fill the logs of workers.
transformers_logging.disable_progress_bar()


class _NoPositions(nn.Module):
    """Stands in for GPT-2's position table above the branch point, where positions were added already."""

    def forward(self, position_ids: torch.Tensor) -> torch.Tensor:
        return torch.zeros((), device=position_ids.device)


@dataclass(frozen=True)
class Backbone:
    """A frozen causal language model, cut into trunk and upper part.

    Attributes:
        model: the Hugging Face model the parts were taken from, evaluation mode, no
            gradients; its layers are numbered within their part, so it must not
            generate with a cache itself.
        tokenizer: its tokenizer.
        vocabulary: token texts as a grammar sees them.
        branch_from: number of trunk layers, 0 <= branch_from <= layers.
        trunk: token ids -> hidden states below the branch point.
        upper: those hidden states -> final hidden states.
        source: what it was loaded from.
        weights: SHA-256 of its weights, so that a resumed run meets the same reference.
    """

    model: Any
    tokenizer: Any
    vocabulary: Vocabulary
    branch_from: int
    trunk: Any
    upper: Any
    source: str
    weights: str

    @property
    def layers(self) -> int:
        """Number of layers, trunk included."""
        return int(self.model.config.num_hidden_layers)

    @property
    def head(self) -> nn.Module:
        """The language-model head."""
        head: nn.Module = self.model.get_output_embeddings()
        return head

    @property
    def embedding(self) -> torch.Tensor:
        """What each token is read as, (V, D)."""
        table: torch.Tensor = self.model.get_input_embeddings().weight
        return table

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(iter(self.model.parameters())).device
        return device

    def sees(self, span: int) -> bool:
        """Whether a token attends to all of so many places; false where a window of attention is shorter."""
        window = getattr(self.model.config, "sliding_window", None)
        return window is None or span <= int(window)

    def prompt_ids(self, prompt: str) -> list[int]:
        """Return the token ids that precede a completion; never empty.

        The beginning-of-sequence token where the tokenizer has one, then the
        prompt; without either, the end token, as GPT-2's family is trained.
        """
        return plain_ids(self.tokenizer, prompt, eos=self.vocabulary.eos, source=self.source)

    def completion_ids(self, text: str) -> list[int]:
        """Return the token ids of a completion, the end token included."""
        return [*text_ids(self.tokenizer, text, source=self.source), self.vocabulary.eos]

    def text(self, ids: list[int]) -> str:
        """Return the text of completion ids, up to and without the end token."""
        if self.vocabulary.eos in ids:
            ids = ids[: ids.index(self.vocabulary.eos)]
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))


def load_backbone(
    source: str | Path, *, branch_from: int | None = 0, device: str = "cpu", name: str | None = None
) -> Backbone:
    """Load and freeze a causal language model.

    Only safetensors (or GGUF) weights are read and no code of the model's
    repository is run.

    Args:
        source: local folder, path of a ``.gguf`` file, or hub name.
        branch_from: first layer with adapters; negative counts from the end; None is above the last, adapters on the
            head alone.
        device: ``"cpu"`` (float32) or ``"cuda"`` (bfloat16).
        name: what exported adapters call it; the source unless said otherwise.

    Raises:
        InvalidModel: missing, unreadable, unsupported, or a branch point outside the model.
    """
    model, tokenizer = read_model(source)
    return cut(model, tokenizer, branch_from=branch_from, device=device, source=name or str(source))


def read_model(source: str | Path) -> tuple[Any, Any]:
    """Read a causal language model and its tokenizer, weights in float32; see `load_backbone`.

    Raises:
        InvalidModel: missing or unreadable.
    """
    path, where = Path(source), str(source)
    options: dict[str, Any] = {"trust_remote_code": False}
    if path.suffix == ".gguf" or path.is_dir() or path.is_absolute() or where.startswith("."):
        check_model(path)
    if path.suffix == ".gguf":
        where, options["gguf_file"] = str(path.parent), path.name
    try:
        tokenizer = AutoTokenizer.from_pretrained(where, **options)
        weights = {} if "gguf_file" in options else {"use_safetensors": True}
        model, loaded = AutoModelForCausalLM.from_pretrained(
            where, dtype=torch.float32, attn_implementation="sdpa", output_loading_info=True, **weights, **options
        )
    except Exception as error:  # third-party parsers of untrusted files raise whatever they meet
        raise InvalidModel(
            f"Expected a loadable causal language model as the backbone, got {source}: {error}. "
            "Check the name or path, and that the weights are safetensors or GGUF."
        ) from error
    # transformers fills what is missing with random numbers and a warning: a search on that would look like any other.
    missing = sorted(str(k) for k in (*loaded["missing_keys"], *loaded["mismatched_keys"]))
    if missing:
        raise InvalidModel(
            f"Expected weights for every part of {source}, got none that fit for {missing[:3]} ({len(missing)} in "
            "all); they would be random. Check that config.json belongs to these weights."
        )
    return model, tokenizer


def cut(
    model: Any,
    tokenizer: Any,
    *,
    branch_from: int | None,
    device: str = "cpu",
    source: str = "memory",
    dtype: torch.dtype | None = None,
) -> Backbone:
    """Freeze a loaded model and cut it at the branch point.

    Args:
        model, tokenizer: as transformers loads them; the model is changed in place.
        branch_from, device, source: see `load_backbone`.
        dtype: precision of the frozen weights; that of the device unless given.

    Raises:
        InvalidModel: unsupported family, mixed layer types, no end token, or a
            branch point outside the model.
    """
    config = model.config
    if config.model_type not in FAMILIES:
        raise InvalidModel(
            f"Expected a model of the families {sorted(FAMILIES)}, got {config.model_type!r} ({source}). "
            "Choose another backbone."
        )
    n_layers = int(config.num_hidden_layers)
    first = n_layers if branch_from is None else branch_from + n_layers if branch_from < 0 else branch_from
    if not 0 <= first <= n_layers:
        raise InvalidModel(
            f"Expected branch_from between {-n_layers} and {n_layers} for a model of {n_layers} layers, "
            f"got {branch_from}."
        )
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if len(kinds) > 1 and first not in (0, n_layers):
        raise InvalidModel(f"Expected one kind of attention in all layers, got {sorted(kinds)}; use branch_from=0.")
    if tokenizer.eos_token_id is None:
        raise InvalidModel(f"Expected a tokenizer with an end-of-sequence token, got one without ({source}).")
    model.eval().requires_grad_(False)
    # Before the weights are cast and packed, so that one model has one digest on every device.
    digest = _digest(model)
    model.to(device=device, dtype=dtype or (torch.bfloat16 if device == "cuda" else torch.float32))
    layers_name, norm_name, positions_name = FAMILIES[config.model_type]
    inner = model.base_model
    layers = list(getattr(inner, layers_name))
    for index, layer in enumerate(layers):
        # Trunk and upper part each have a cache of their own, which counts their layers from 0.
        _renumber(layer, index if index < first else index - first)
        _fuse_activation(layer)
        freeze_linears(layer)
    # The trunk ends before the final norm, and the upper part adds no positions a second time.
    trunk = _with_layers(inner, layers_name, layers[:first], {norm_name: nn.Identity()})
    positions: dict[str, nn.Module] = {positions_name: _NoPositions()} if positions_name else {}
    upper = _with_layers(inner, layers_name, layers[first:], positions)
    return Backbone(model, tokenizer, vocabulary_of(model, tokenizer), first, trunk, upper, source, digest)


def vocabulary_of(model: Any, tokenizer: Any) -> Vocabulary:
    """Return the text of every output token; special and unused ids are ``""``."""
    special = set(tokenizer.all_special_ids)
    size, known = int(model.config.vocab_size), len(tokenizer)
    # Models pad their vocabulary beyond the tokenizer's; such ids have no text and are never allowed.
    texts = tokenizer.batch_decode([[i] for i in range(min(size, known))])
    tokens = tuple("" if i in special or i >= known else str(texts[i]) for i in range(size))
    return Vocabulary(tokens=tokens, eos=int(tokenizer.eos_token_id))


def _with_layers(inner: Any, name: str, layers: list[nn.Module], replace: dict[str, nn.Module]) -> Any:
    """Shallow copy of a decoder that runs other layers; weights are shared, not copied."""
    # A shallow copy with a table of modules of its own: replacing an entry there leaves the model as it was.
    part = copy.copy(inner)
    part._modules = dict(inner._modules)
    part._modules[name] = nn.ModuleList(layers)
    part._modules.update(replace)
    part.config = copy.deepcopy(inner.config)
    kinds = getattr(part.config, "layer_types", None)
    part.config.num_hidden_layers = len(layers)
    if kinds:
        part.config.layer_types = list(kinds[: len(layers)])
    return part


def _renumber(layer: nn.Module, index: int) -> None:
    """Number a layer within its part, because its KV cache counts from zero."""
    for module in layer.modules():
        if hasattr(module, "layer_idx"):
            setattr(module, "layer_idx", index)  # noqa: B010  (a plain attribute, not a parameter)


def _fuse_activation(layer: nn.Module) -> None:
    """Compute GPT-2's activation by one kernel instead of eight: equal up to rounding, three times faster."""
    for module in layer.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, GELUTanh())


def _digest(model: nn.Module) -> str:
    """SHA-256 over names, shapes and bytes of all weights, hex."""
    out = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        out.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        out.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return out.hexdigest()
