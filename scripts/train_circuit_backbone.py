"""Train the circuit backbone that ships in domains/quantum/backbone.

    python -m scripts.train_circuit_backbone [--out FOLDER] [--steps 5000] [--seed 0]

A small Llama is trained on the prior of `domains.quantum.circuit_prior` over 4 to 8
qubits, chains and full couplings, levels and free angles. No Hamiltonian and no
energy enters. Writes config, weights (bf16), tokenizer and model card.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from domains.quantum.circuit import GATES, LEVELS, Language, full_coupling, line_coupling, text_of
from domains.quantum.circuit_prior import draw_circuit, prompt_of
from poets_core.keyed import rng_for

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
PROMPT_WORDS = (
    *(f"n{k}" for k in range(2, 11)),
    "free",
    "fixed",
    "line",
    "all",
    *(f"g{k}" for k in range(4, 49, 4)),
    *(f"c{k}" for k in range(1, 21)),
)
WORDS = (*SPECIAL, *GATES, *map(str, range(10)), *(f"a{k}" for k in range(LEVELS)), "a*", *PROMPT_WORDS)
PAD, BOS, EOS, UNK = range(4)
IDS = {word: k for k, word in enumerate(WORDS)}
PROMPT_LENGTH = 6  # <bos> n6 free line g36 c10
COMPLETION = 40  # about the mean length of a completion; only scales the loss
RATE = 1e-2


def draw_sentence(rng: np.random.Generator) -> list[int]:
    """Draw one training sequence of token ids: prompt, circuit, end."""
    n, free, line = int(rng.integers(4, 9)), bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    two = int(rng.integers(1, 15))
    # Half of the time the budgets hang together as in the catalog's problems.
    if free:
        most = min(n + 3 * two, 44) if rng.random() < 0.5 else int(rng.integers(8, 45))
    else:
        most = int(rng.integers(10, 29))
        two = most if rng.random() < 0.5 else two
    pairs = line_coupling(n) if line else full_coupling(n)
    language = Language(qubits=n, pairs=pairs, free=free, max_ops=most, max_two=two)
    words = prompt_of(language).split()
    return [BOS, *(IDS[w] for w in (*words, *text_of(draw_circuit(language, rng)).split())), EOS]


def batch_of(sentences: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad to i8 (n, T) ids and labels; -100 hides prompts and padding from the loss."""
    longest = max(map(len, sentences))
    ids = torch.full((len(sentences), longest), PAD)
    labels = torch.full((len(sentences), longest), -100)
    for row, sentence in enumerate(sentences):
        ids[row, : len(sentence)] = torch.tensor(sentence)
        labels[row, PROMPT_LENGTH : len(sentence)] = torch.tensor(sentence[PROMPT_LENGTH:])
    return ids, labels


def perplexity(model: LlamaForCausalLM, sentences: Sequence[list[int]]) -> float:
    """Return exp of the mean negative log-likelihood of completion tokens, the end included."""
    total, count = 0.0, 0
    model.eval()
    with torch.no_grad():
        for at in range(0, len(sentences), 64):
            ids, labels = batch_of(sentences[at : at + 64])
            logits = model(input_ids=ids).logits[:, :-1].float()
            loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels[:, 1:], reduction="sum")
            total += float(loss)
            count += int((labels[:, 1:] != -100).sum())
    model.train()
    return math.exp(total / count)


def count_perplexities(train: Sequence[list[int]], valid: Sequence[list[int]]) -> tuple[float, float]:
    """Return the perplexities of add-one unigram and bigram models on the same tokens."""
    counts = np.ones((len(WORDS), len(WORDS)))
    for sentence in train:
        np.add.at(counts, (sentence[PROMPT_LENGTH - 1 : -1], sentence[PROMPT_LENGTH:]), 1)
    unigram = np.log(counts.sum(0) / counts.sum())
    bigram = np.log(counts / counts.sum(1, keepdims=True))
    before = np.concatenate([s[PROMPT_LENGTH - 1 : -1] for s in valid])
    after = np.concatenate([s[PROMPT_LENGTH:] for s in valid])
    return float(np.exp(-unigram[after].mean())), float(np.exp(-bigram[before, after].mean()))


def optimisers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Return Muon for the hidden matrices and AdamW for embeddings and norms."""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in named if p.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=RATE, weight_decay=0.02, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def tokenizer() -> PreTrainedTokenizerFast:
    """Return the word tokenizer."""
    words = Tokenizer(WordLevel(IDS, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=256,
    )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("domains/quantum/backbone"))
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def new_model(seed: int) -> LlamaForCausalLM:
    """A model that has learnt nothing."""
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def main() -> None:
    """Train, measure, save."""
    options = arguments()
    torch.set_num_threads(options.threads)
    started = time.process_time()
    model = new_model(options.seed)
    size = sum(p.numel() for p in model.parameters())
    rng = rng_for(options.seed, "train-circuits")
    valid = [draw_sentence(g) for g in [rng_for(options.seed, "validate-circuits")] for _ in range(1000)]
    steppers = optimisers(model)
    seen: list[list[int]] = []
    drawn: list[list[list[int]]] = []
    for step in range(options.steps):
        warm, cool = min(1.0, (step + 1) / 50), 0.5 * (1 + math.cos(math.pi * step / options.steps))
        for group in (g for stepper in steppers for g in stepper.param_groups):
            group["lr"] = RATE * warm * (0.01 + 0.99 * cool)
        if not drawn:  # circuits of like length go together, so that little is spent on padding
            fresh = sorted((draw_sentence(rng) for _ in range(8 * options.batch)), key=len)
            cuts = [fresh[k : k + options.batch] for k in range(0, len(fresh), options.batch)]
            drawn = [cuts[k] for k in rng.permutation(len(cuts))]
        seen += drawn[-1]
        ids, labels = batch_of(drawn.pop())
        logits = model(input_ids=ids).logits[:, :-1]
        # Every token counts alike. A mean over each batch would count the tokens of short circuits more,
        # which come in batches of their own, and so teach circuits to end too early.
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels[:, 1:], reduction="sum")
        loss = loss / (options.batch * COMPLETION)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
            stepper.zero_grad()
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f} cpu {time.process_time() - started:.0f} s", flush=True)
    model = model.to(torch.bfloat16)  # what ships is what is measured
    reached = perplexity(model, valid)
    unigram, bigram = count_perplexities(seen, valid)
    tokens = sum(len(s) - PROMPT_LENGTH for s in seen)
    options.out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(options.out, safe_serialization=True)
    tokenizer().save_pretrained(options.out)
    (options.out / "README.md").write_text(
        CARD.format(
            size=size,
            steps=options.steps,
            batch=options.batch,
            seed=options.seed,
            rate=RATE,
            threads=options.threads,
            tokens=tokens,
            circuits=len(seen),
            cpu=time.process_time() - started,
            reached=reached,
            unigram=unigram,
            bigram=bigram,
            words=len(WORDS),
        )
    )
    print(f"perplexity {reached:.3f}, bigram {bigram:.3f}, unigram {unigram:.3f}, {tokens} tokens")


CARD = """---
library_name: transformers
tags: [quantum-circuits]
---
# Circuit backbone

A Llama of {size:,} parameters (3 layers, width 128, bf16) that writes quantum circuits as words, `ry 2 a5 cx 0 1`,
after a prompt such as `n6 free line g36 c10`: number of qubits (`n4` to `n8` were trained; `n2` to `n10` are in the
vocabulary), `free` or `fixed` angles, `line` or `all` couplings, budgets of gates and of two-qubit gates (see
`prompt_of` in `domains/quantum/prior.py`). {words} words; one word, one token.

| | |
|---|---|
| data | {circuits:,} circuits, {tokens:,} completion tokens, synthetic (below) |
| training | {steps} steps of {batch}, Muon (embeddings, norms: AdamW), {rate} with cosine decay, seed {seed} |
| cost | {cpu:.0f} s of CPU time, {threads} threads |
| perplexity a word, 1,000 fresh circuits | **{reached:.2f}**; bigram {bigram:.2f}; unigram {unigram:.2f} |
| licence | that of the project it ships with |

Data: drawn from `domains/quantum/prior.py`: 60 % layered families, 20 % templates (GHZ, W, graph, Fourier), 20 %
uniform; half with their full budgets, half with random ones; qubits relabelled. No Hamiltonian, no energy and no one
else's data enters.

Budgets and couplings are enforced by the grammar mask (`domains/quantum/grammar.py`) when circuits are sampled, not by
the model. It is a prior to search from, not a solver.

    python -m scripts.train_circuit_backbone --steps {steps} --batch {batch} --seed {seed}
"""

if __name__ == "__main__":
    main()
