"""Tiny random backbones of both families; nothing is downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from poets_core.lm.backbone import Backbone, cut
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.library import tokenizer_for
from poets_core.lm.lora import AdapterShape
from poets_core.types import I8, Bool, Vocabulary

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
FAMILIES = ("llama", "gpt2")
LAYERS = 2


def tokenizer(letters: str = LETTERS) -> Any:
    """Character tokenizer with pad, bos and eos."""
    return tokenizer_for(list(letters))


def model(family: str, *, letters: str = LETTERS, seed: int = 0, tied: bool = True) -> Any:
    """A random two-layer model; the same seed gives the same weights."""
    size = len(tokenizer(letters))
    common = {"vocab_size": size, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "tie_word_embeddings": tied}
    torch.manual_seed(seed)
    if family == "gpt2":
        drops = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        return GPT2LMHeadModel(
            GPT2Config(n_embd=32, n_layer=LAYERS, n_head=2, n_positions=64, **common, **drops)
        ).eval()
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": LAYERS}
    return LlamaForCausalLM(LlamaConfig(num_attention_heads=2, num_key_value_heads=1, **sizes, **common)).eval()


def backbone(family: str = "llama", branch_from: int = 1, **options: Any) -> Backbone:
    """A tiny model, cut."""
    letters, dtype = options.get("letters", LETTERS), options.pop("dtype", None)
    return cut(model(family, **options), tokenizer(letters), branch_from=branch_from, dtype=dtype)


class ThreeLetters:
    """Exactly `length` letters of the vocabulary, then the end: a space small enough to enumerate."""

    def __init__(self, vocabulary: Vocabulary, length: int) -> None:
        self.length, self.eos = length, vocabulary.eos
        self.letters = np.array([t != "" for t in vocabulary.tokens])
        self.max_tokens = length + 1

    def start(self, n: int) -> I8:
        return np.zeros(n, dtype=np.int64)

    def allowed(self, state: I8) -> Bool:
        out = np.where((state < self.length)[:, None], self.letters, np.arange(len(self.letters)) == self.eos)
        return np.asarray(out & (state <= self.length)[:, None])

    def advance(self, state: I8, token: I8) -> I8:
        ok = self.allowed(state)[np.arange(len(state)), token] & (token != self.eos)
        return np.where(ok, state + 1, self.length + 1)


def ensemble(
    family: str = "llama",
    branch_from: int = 1,
    *,
    branches: int = 4,
    prior_rank: int = 2,
    prompts: tuple[str, ...] = ("",),
    length: int = 0,
    trained: bool = False,
    **options: Any,
) -> BranchEnsemble:
    """An ensemble on a tiny backbone; `trained` fills B with random numbers, `length` adds a grammar."""
    cut_model = backbone(family, branch_from, **options)
    mask = ThreeLetters(cut_model.vocabulary, length) if length else None
    shape = AdapterShape(branches=branches, rank=3, prior_rank=prior_rank)
    out = BranchEnsemble(cut_model, shape, prompts, mask, max_tokens=10, seed=3)
    if trained:
        generator = torch.Generator().manual_seed(5)
        for layer in out.stack.layers.values():
            with torch.no_grad():
                layer.b.copy_(0.3 * torch.randn(layer.b.shape, generator=generator))
    return out
