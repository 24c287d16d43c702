"""Train the small model of the text tasks that ships in domains/text/backbone.

    python -m scripts.train_text_backbone

One CPU core, minutes. A Llama of 1.1M parameters reads questions and right answers of the frozen tasks
(`domains.text.tiny`), of prompts that no training and no held-out set may hold. It must not become good: every 25 steps
the share of right answers at temperature 1 is measured, a task above its aim is seen less from then on, and training
ends when all tasks lie in the band. Items of seed 100 decide when; the figures of the card are those of seed 0.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

from domains.text.tiny import TASKS, pretraining, tiny
from poets_core.keyed import rng_for, seed_for
from scripts.character_tokenizer import BOS, EOS, FIRST, PAD, characters

LETTERS = "".join(map(chr, range(32, 127))) + "×"
POSITIONS = 512
BATCH = 96
POOL = {"count_bits": 900}
"""Different items that are trained on, where a task has fewer than `USUAL`."""
USUAL = 3000
COOL = 500
"""Step from which the learning rate is a fifth: a task that was understood at once is forgotten as quickly."""
BAND, AIM = (0.07, 0.26), 0.15
"""Share of right answers in which training ends, and the one that is aimed at."""
BACKBONE = Path(__file__).parents[1] / "domains" / "text" / "backbone"


def blank(seed: int) -> LlamaForCausalLM:
    """Return the untrained model."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=FIRST + len(LETTERS),
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=5,
            num_attention_heads=4,
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=True,
            pad_token_id=PAD,
            bos_token_id=BOS,
            eos_token_id=EOS,
        )
    )


def ids(text: str) -> list[int]:
    """Return the tokens of a text."""
    return [FIRST + LETTERS.index(c) for c in text]


def batch(
    pools: dict[str, list[Any]], weights: dict[str, float], seed: int, step: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return tokens and targets i8 (rows, T) of short and of long rows, BATCH in all; only answers are targets.

    A pure function of weights, seed and step.
    """
    rng = rng_for(seed, "batch", step)
    names = list(pools)
    share = np.array([weights[n] for n in names])
    rows = []
    for name in rng.choice(names, size=BATCH, p=share / share.sum()):
        item = pools[name][rng.integers(len(pools[name]))]
        prompt = [BOS, *ids(item.prompt)]
        rows.append(([*prompt, *ids(item.answer), EOS], len(prompt)))
    # By length, in parts: padding every row to the longest would double the work.
    rows.sort(key=lambda row: len(row[0]))
    return [_padded(rows[i : i + BATCH // 4]) for i in range(0, BATCH, BATCH // 4)]


def _padded(rows: list[tuple[list[int], int]]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(tokens) for tokens, _ in rows)
    tokens, target = torch.full((len(rows), longest), PAD), torch.full((len(rows), longest), -100)
    for i, (row, begin) in enumerate(rows):
        tokens[i, : len(row)] = torch.tensor(row)
        target[i, begin : len(row)] = torch.tensor(row[begin:])
    return tokens, target


def optimisers(model: LlamaForCausalLM, rate: float) -> list[torch.optim.Optimizer]:
    """Return Muon for the hidden matrices and AdamW for everything else."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


@torch.no_grad()
def answers(model: LlamaForCausalLM, prompts: Sequence[str], seed: int) -> list[str]:
    """Return one sampled answer (temperature 1, at most 24 characters) to each prompt."""
    torch.manual_seed(seed)
    rows = [[BOS, *ids(p)] for p in prompts]
    longest = max(map(len, rows))
    tokens = torch.tensor([[PAD] * (longest - len(r)) + r for r in rows])
    out = model.generate(
        tokens, attention_mask=(tokens != PAD).long(), do_sample=True, temperature=1.0, top_k=0, max_new_tokens=24
    )[:, longest:].tolist()
    return ["".join(LETTERS[i - FIRST] for i in (r[: r.index(EOS)] if EOS in r else r) if i >= FIRST) for r in out]


def measured(model: LlamaForCausalLM, seed: int, items: int, times: int = 1) -> dict[str, tuple[float, float]]:
    """Return the share of right answers and the mean reward of each task, on held-out items of a seed."""
    model.eval()
    found = {}
    for name in TASKS:
        task = tiny(name, train=0, held_out=items, seed=seed)
        asked = [item for item in task.held_out for _ in range(times)]
        said = answers(model, [i.prompt for i in asked], seed_for(seed, "measure", name))
        rewards = np.array([v.reward for v in task.verify(asked, said)])
        found[name] = (float((rewards == 1).mean()), float(rewards.mean()))
    model.train()
    return found


def train(arguments: argparse.Namespace) -> None:
    """Train until every task is in the band, and save."""
    torch.set_num_threads(1)
    pools = {name: pretraining(name, POOL.get(name, USUAL)) for name in TASKS}
    held = {i.prompt for name in TASKS for i in tiny(name, 0, 128, seed=0).held_out}
    if held & {i.prompt for pool in pools.values() for i in pool}:
        raise SystemExit("Expected held-out prompts apart from those that are trained on.")
    model, weights = blank(arguments.seed), dict.fromkeys(TASKS, 1.0)
    steppers = optimisers(model, arguments.rate)
    began = time.process_time()
    for step in range(arguments.steps):
        for group in (g for s in steppers for g in s.param_groups):
            group["lr"] = arguments.rate * min(1.0, (step + 1) / 50) * (1.0 if step < COOL else 0.2)
        parts = batch(pools, weights, arguments.seed, step)
        targets = sum(int((target != -100).sum()) for _, target in parts)
        loss = 0.0
        for tokens, target in parts:
            # Rows are padded on the right, where causal attention never looks from an answer.
            logits = model(input_ids=tokens).logits
            part = cross_entropy(
                logits[:, :-1].flatten(0, 1), target[:, 1:].flatten(), ignore_index=-100, reduction="sum"
            )
            (part / targets).backward()
            loss += part.item() / targets
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
            stepper.zero_grad()
        if (step + 1) % 25:
            continue
        rates = {name: share for name, (share, _) in measured(model, 100, 128).items()}
        # A task above the aim is seen less, one below it more, by no more than a factor of 2 at once.
        weights = {
            n: float(np.clip(weights[n] * 2 ** np.clip((AIM - r) / AIM, -1, 1), 0.01, 2.0)) for n, r in rates.items()
        }
        cpu = time.process_time() - began
        print(step + 1, f"loss {loss:.3f} cpu_s {cpu:.0f}", {n: round(r, 3) for n, r in rates.items()}, flush=True)
        if (step + 1) % 200 == 0:
            save(model, arguments, step + 1, cpu)
        if all(BAND[0] <= r <= BAND[1] for r in rates.values()):
            break
    save(model, arguments, step + 1, time.process_time() - began)


def save(model: LlamaForCausalLM, arguments: argparse.Namespace, step: int, cpu: float) -> None:
    """Round to bfloat16, measure what will ship, and write the folder."""
    shipped = LlamaForCausalLM(model.config)
    shipped.load_state_dict({k: v.to(torch.bfloat16).float() for k, v in model.state_dict().items()})
    found = measured(shipped, 0, 128, times=4)
    facts = {"steps": step, "cpu_seconds": cpu, "parameters": sum(p.numel() for p in shipped.parameters())}
    print(json.dumps({**facts, "right": found}), flush=True)
    shipped.to(torch.bfloat16).save_pretrained(arguments.out)
    characters(LETTERS, POSITIONS).save_pretrained(arguments.out)
    (arguments.out / "README.md").write_text(card(facts, found, arguments), encoding="utf-8")


def card(facts: dict[str, Any], found: dict[str, tuple[float, float]], arguments: argparse.Namespace) -> str:
    """Return the model's card."""
    rows = "\n".join(f"| {name} | {100 * share:.1f} % | {mean:.3f} |" for name, (share, mean) in found.items())
    return CARD.format(rows=rows, seed=arguments.seed, rate=arguments.rate, minutes=facts["cpu_seconds"] / 60, **facts)


CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
---
# Text backbone

A Llama-style causal language model of short questions and answers, {parameters:,} parameters, bfloat16. One token a
character (printable ASCII, the multiplication sign, `<pad>`, `<bos>`, `<eos>`); 512 positions. It is the frozen
reference of learning from verifiable rewards where a CPU must do: half taught on purpose, so that there is something to
learn and something to reward.

## Data
Questions and answers of six tasks of the PyPI package `reasoning-gym` 0.1.25 (Apache-2.0), with the easy settings and
short prompts frozen in `domains/text/tiny.py`. A hash of the prompt decides what may be trained on here: half of all
prompts; the other half is left to the training and held-out sets of the tasks, whatever their seed.

## Measured
One answer sampled at temperature 1, 4 times for each of 128 held-out items of seed 0; whether training ends was decided
on items of seed 100.

| task | right answers | mean reward |
|---|---|---|
{rows}

## Made by
    python -m scripts.train_text_backbone --seed {seed} --rate {rate}

{steps:,} steps, {minutes:.0f} CPU-minutes on one core.

## Limits
It knows these tasks in these words and nothing else.
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=BACKBONE, help="folder to write the model into")
    parser.add_argument("--steps", type=int, default=6000, help="steps, at most")
    parser.add_argument("--rate", type=float, default=3e-3, help="learning rate")
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())
