"""What the branch engine is measured against: the bare model, and peft as its users would use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, Qwen3Config, Qwen3ForCausalLM

from poets_core.lm.library import tokenizer_for

TARGETS = ("c_attn", "attn.c_proj", "c_fc", "mlp.c_proj", "lm_head")
"""Every linear layer and the head, as the engine adapts them."""
BOS, EOS = 1, 2


def tokenizer(vocabulary: int) -> Any:
    """A word tokenizer of exactly `vocabulary` tokens, three of them special."""
    return tokenizer_for([" ".join(f"w{k}" for k in range(vocabulary - 3))])


def random_model(
    *, width: int, layers: int, vocabulary: int, positions: int, seed: int = 0, device: str = "cpu"
) -> GPT2LMHeadModel:
    """A GPT-2 with random weights, which speed does not depend on: float32, on a GPU bfloat16, as the engine's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=vocabulary,
                n_embd=width,
                n_layer=layers,
                n_head=max(1, width // 64),
                n_positions=positions,
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
                pad_token_id=0,
                bos_token_id=BOS,
                eos_token_id=EOS,
            )
        )
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    out: GPT2LMHeadModel = model.eval().to(device=device, dtype=dtype)  # type: ignore[call-arg]
    return out


def random_qwen3(
    *,
    width: int,
    layers: int,
    heads: int,
    key_heads: int,
    head_width: int,
    inner: int,
    vocabulary: int,
    positions: int,
    device: str = "cpu",
) -> Qwen3ForCausalLM:
    """A Qwen3 with random weights, made where it will stay: of 8B parameters nothing passes through the host."""
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        head_dim=head_width,
        intermediate_size=inner,
        max_position_embeddings=positions,
        tie_word_embeddings=False,
        pad_token_id=0,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    config._attn_implementation = "sdpa"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(0)
        model: Qwen3ForCausalLM = Qwen3ForCausalLM._from_config(config, dtype=dtype)
    return model.eval()


def peft_model(model: GPT2LMHeadModel, adapters: int, *, rank: int, layers: Sequence[int] | None = None) -> Any:
    """The model with `adapters` LoRA adapters named b0, b1, ...

    Args:
        model: is changed in place.
        adapters: how many.
        rank: r; alpha is 2 r.
        layers: blocks that carry adapters, None for all; the head always does.
    """
    blocks = range(model.config.n_layer) if layers is None else layers
    names = [f"transformer.h.{i}.{t}" for i in blocks for t in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")]
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules=[*names, "lm_head"], fan_in_fan_out=True, task_type="CAUSAL_LM"
    )
    wrapped: Any = get_peft_model(model, config, adapter_name="b0")
    for k in range(1, adapters):
        wrapped.add_adapter(f"b{k}", config)
    return wrapped


def optimiser(wrapped: Any, adapters: int) -> torch.optim.Optimizer:
    """One fused Adam over all adapters, as the engine has."""
    for name, p in wrapped.named_parameters():
        p.requires_grad_("lora_" in name)
    parts = [p for name, p in wrapped.named_parameters() if "lora_" in name]
    return torch.optim.Adam(parts, lr=5e-3, fused=True)


def log_prob(model: Any, ids: Tensor) -> Tensor:
    """Sequence log-probabilities of (n, 1 + T) ids after the first token, by one full pass."""
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    picked = logits.gather(-1, ids[:, 1:, None])[..., 0] - logits.float().logsumexp(-1)
    total: Tensor = picked.double().sum(-1)
    return total


def loop_step(
    wrapped: Any, adam: torch.optim.Optimizer, ids: Sequence[Tensor], rewards: Sequence[Tensor], weights: Tensor
) -> None:
    """One matching step of every adapter in turn, as a user of peft would write it; weights (adapters, n)."""
    adam.zero_grad(set_to_none=True)
    for k, (rows, reward) in enumerate(zip(ids, rewards, strict=True)):
        wrapped.set_adapter(f"b{k}")
        residual, w = reward - 0.1 * log_prob(wrapped, rows), weights[k]
        centred = residual - (w * residual).sum() / w.sum()
        torch.autograd.backward((0.5 * w * centred**2).sum() / w.sum())
    adam.step()
