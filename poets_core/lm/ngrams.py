"""A trunk for designs of any length, laid out instead of trained: what stood so many tokens back, and means of n-grams.

Where lengths differ, the place of a token says little; what counts is which tokens follow one another. In the first
layer head d reads the token d back (a relative place, found by rotating sinusoidal positions, Vaswani et al. 2017), and
a random layer turns what they read into features of n-grams (Rahimi and Recht 2007). In the second layer heads that
look at everything alike hold the means of tokens and n-grams so far: a property such as a mean over neighbours is
linear in them when the design ends. Every kind of feature has dimensions of its own, a block, so that each can have
an amplitude of its own (`poets_core.lm.tangent`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from poets_core.errors import InvalidModel
from poets_core.lm.designed import orthonormal, token_vectors

LAYERS, HEADS = 2, 16
FREQUENCIES = 8
"""Of a place's vector. The fewer, the more two places look alike that are not."""
BACK = (24, 16, 16, 8, 8, 8)
"""Dimensions of what is read one token back, two back, ...; the sum is kept small, for width costs time."""
GRAMS, LETTERS = 96, 24
"""Dimensions of n-grams, and of the mean of tokens."""
MOST_TOKENS = 32
"""Dimensions of tokens at most; more tokens than that are nearly orthogonal."""
LEAST_MIXED = 32
PEAK, ABSENT = 20.0, 13.0
"""Attention logits of the wanted place and of the beginning, which is read where there is no such place; elsewhere they
are less than 7 up to 60 places apart."""
NEAR = (1.0, 0.5, 0.3)
"""Weights of one, two and three back in n-grams, beside the last token's 1."""
MIXED = {"token": 1.0, "place": 0.5, "mean": 0.7, "mean n-gram": 0.5, "n-gram": 0.3}
MIXED_BACK = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3)
"""Weights of blocks where all of them are mixed."""
GAIN = 1.5
"""Deviation of a random layer's inputs."""
TRIES = 4000


def blocks(width: int, tokens: int) -> list[tuple[str, int, int]]:
    """Return name, first and one past the last dimension of each kind of feature.

    Raises:
        InvalidModel: they do not fit into the width.
    """
    sizes = {"token": min(tokens, MOST_TOKENS), "place": 2 * FREQUENCIES}
    sizes |= {f"back {d}": n for d, n in enumerate(BACK, start=1)}
    sizes |= {"n-gram": GRAMS, "mean": LETTERS, "mean n-gram": GRAMS}
    ends = np.cumsum(list(sizes.values())).tolist()
    if width - ends[-1] < LEAST_MIXED or width % HEADS or width // HEADS <= 2 * FREQUENCIES:
        raise InvalidModel(f"Expected a width of at least {ends[-1] + LEAST_MIXED} that {HEADS} divides, got {width}.")
    return [*zip(sizes, [0, *ends[:-1]], ends, strict=True), ("mixed", ends[-1], width)]


def frequencies(places: int) -> Float[np.ndarray, " F"]:
    """Return frequencies under which no two of so many places look alike; always the same ones."""
    rng, apart = np.random.default_rng(0), np.arange(1, max(2, places))
    found = (rng.random((TRIES, FREQUENCIES)) * np.pi).tolist()
    # Of some random choices the one whose most alike places are the least alike.
    return np.array(min(found, key=lambda w: float(np.cos(np.outer(apart, w)).mean(1).max())))


@torch.no_grad()
def lay_out(model: Any, alike: Float[Tensor, "V V"] | None) -> None:
    """Set the weights of a GPT-2 of two layers below its head from torch's generator, and freeze them; the head becomes
    0, and the config says where the blocks are.

    Args:
        model: `HEADS` heads, embeddings and head not tied.
        alike: cosines that token embeddings shall have; without them tokens are unlike one another.
    """
    config, inner = model.config, model.transformer
    width, tokens = config.n_embd, config.vocab_size
    found = blocks(width, tokens)
    config.feature_blocks = [list(b) for b in found]
    at = {name: slice(a, b) for name, a, b in found}
    omega = frequencies(config.n_positions)
    angle = torch.from_numpy(np.outer(np.arange(config.n_positions), omega)).float()
    inner.wpe.weight.zero_()
    places = torch.stack([angle.cos(), angle.sin()], -1).flatten(1) / FREQUENCIES**0.5
    # The beginning has no place of its own, so that nothing but its token decides when it is read.
    inner.wpe.weight[1:, at["place"]] = places[1:]
    inner.wte.weight.zero_()
    vectors = token_vectors(torch.eye(tokens) if alike is None else alike, at["token"].stop)
    inner.wte.weight[:, at["token"]] = torch.nn.functional.normalize(vectors, dim=-1)
    # The first layer sees single tokens, the second what the first made of them: a mean of n-grams needs both.
    first, second = inner.h
    _look_back(first, at, omega, inner.wte.weight[config.bos_token_id])
    near = {"token": 1.0} | {f"back {d}": w for d, w in enumerate(NEAR, start=1)}
    _mix(first, at, near, "n-gram")
    _average(second, at)
    _mix(second, at, MIXED | {f"back {d}": w for d, w in enumerate(MIXED_BACK, start=1)}, "mixed")
    model.requires_grad_(False)
    model.lm_head.weight.zero_()
    model.lm_head.weight.requires_grad_(True)


def _look_back(block: Any, at: dict[str, slice], omega: np.ndarray, beginning: Float[Tensor, " D"]) -> None:
    """Let head d read the token d back, or the beginning where there is none."""
    width, size = len(beginning), 2 * FREQUENCIES
    each = width // HEADS
    # What layer norm makes of a token's and a place's vector, both of length 1.
    seen = (width / 2.0) ** 0.5
    scale = (PEAK * each**0.5) ** 0.5 / seen
    weight, bias, out = torch.zeros(width, 3 * width), torch.zeros(3 * width), torch.zeros(width, width)
    tokens = at["token"]
    for d, n in enumerate(BACK, start=1):
        start = (d - 1) * each
        # Sinusoids make a step the same rotation everywhere, so that one matrix serves all places.
        # The query is the own place turned back by d steps, so that it points to the key of the place d back.
        for k, w in enumerate(omega.tolist()):
            pair = slice(at["place"].start + 2 * k, at["place"].start + 2 * k + 2)
            weight[pair, start + 2 * k : start + 2 * k + 2] = _turned(-d * w) * scale
        weight[at["place"], width + start : width + start + size] = torch.eye(size) * scale
        # A constant in the query and the beginning's token in the key: a logit that no place has a part in.
        bias[start + size] = 1.0
        weight[:, width + start + size] = beginning * (ABSENT * each**0.5 / width**0.5)
        read = orthonormal(tokens.stop - tokens.start)[:, :n]
        weight[tokens, 2 * width + start : 2 * width + start + read.shape[1]] = read / seen
        out[start : start + n, at[f"back {d}"]] = torch.eye(n)
    block.attn.c_attn.weight.copy_(weight)
    block.attn.c_attn.bias.copy_(bias)
    block.attn.c_proj.weight.copy_(out)


def _turned(angle: float) -> Float[Tensor, "2 2"]:
    c, s = float(np.cos(angle)), float(np.sin(angle))
    return torch.tensor([[c, s], [-s, c]])


def _average(block: Any, at: dict[str, slice]) -> None:
    """Let heads without a query, which look at everything alike, hold means of tokens and n-grams."""
    width = block.attn.c_proj.weight.shape[0]
    each, head = width // HEADS, 0
    weight, out = torch.zeros(width, 3 * width), torch.zeros(width, width)
    # Without a query all logits are 0, and attention is a mean over what stands before. A head carries a few
    # dimensions, so that a block needs several.
    for source, goal in (("token", "mean"), ("n-gram", "mean n-gram")):
        size = at[goal].stop - at[goal].start
        whole = orthonormal(max(size, at[source].stop - at[source].start))
        across = whole[: at[source].stop - at[source].start, :size]
        for begin in range(0, size, each):
            n = min(each, size - begin)
            weight[at[source], 2 * width + head * each : 2 * width + head * each + n] = across[:, begin : begin + n]
            goes = at[goal].start + begin
            out[head * each : head * each + n, goes : goes + n] = torch.eye(n) * (2.0 / width) ** 0.5
            head += 1
    block.attn.c_attn.weight.copy_(weight)
    block.attn.c_attn.bias.zero_()
    block.attn.c_proj.weight.copy_(out)


def _mix(block: Any, at: dict[str, slice], weights: dict[str, float], goal: str) -> None:
    """Let the random layer mix some blocks into another one, which comes out about as long as a token's vector."""
    width, hidden = block.mlp.c_fc.weight.shape
    ratio = torch.zeros(width)
    for name, w in weights.items():
        ratio[at[name]] = w
    # Blocks have length 1 each before layer norm, which makes the length of all of them together the width's root.
    seen = (width / (2.0 + len(BACK))) ** 0.5
    gain = GAIN / (seen * sum(w**2 for w in weights.values()) ** 0.5)
    block.mlp.c_fc.weight.copy_(torch.randn(width, hidden) * ratio[:, None] * gain)
    block.mlp.c_fc.bias.copy_(torch.randn(hidden) * 0.5)
    size = at[goal].stop - at[goal].start
    out = torch.zeros(hidden, width)
    out[:, at[goal]] = torch.randn(hidden, size) / (hidden * size) ** 0.5
    block.mlp.c_proj.weight.copy_(out)
