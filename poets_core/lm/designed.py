"""A trunk whose features are laid out instead of trained: which token stands at which place, and their combinations.

A small model that is trained on a few thousand designs learns to predict them and nothing more: which token
stood three places ago hardly reaches its last state, so adapters on it cannot tell designs apart. Here each
attention head reads one place, and a random layer mixes what the heads read (random features, Rahimi and
Recht 2007). In the last state two beginnings are then the less alike the more places they differ in, and the
less alike the tokens there. The head alone is trained on the corpus, on top of that.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from poets_core.errors import InvalidModel

PLACES = 2.0
"""Length of a place's vector beside that of a token, which is 1."""
FOUND, ABSENT = 7.0, 3.5
"""Attention logits of a head for its own place, and for the beginning, which is read where its place is still to come;
every other place has 0."""
GAIN = 1.5
"""Deviation of the random layer's inputs: larger ones make more of combinations, less of single places."""
HEAD_WIDTH = 4
"""Numbers of a head at least."""


def heads_for(places: int, width: int) -> int:
    """Return how many heads read so many places: the next power of two.

    Args:
        places: of the longest design.
        width: of the model.

    Raises:
        InvalidModel: the width does not hold so many heads.
    """
    heads = 1 << max(0, places - 1).bit_length()
    if heads * HEAD_WIDTH > width or width % heads:
        raise InvalidModel(
            f"Expected a width of at least {heads * HEAD_WIDTH} that {heads} divides, for designs of {places} places "
            f"with designed features, got {width}. Set backbone.features to 'trained', or shorten the designs."
        )
    return heads


@torch.no_grad()
def lay_out(model: Any, alike: Float[Tensor, "V V"] | None) -> None:
    """Set the weights of a GPT-2 below its head from torch's generator, and freeze them; the head becomes 0.

    Args:
        model: one head for each place, embeddings and head not tied, as many positions as its width at most used.
        alike: cosines that token embeddings shall have; without them tokens are unlike one another.

    Source of the layout: heads find places by a query that is the same everywhere and keys that are the places'
    vectors.
    """
    config, inner = model.config, model.transformer
    width, heads = config.n_embd, config.n_head
    each = width // heads
    places = orthonormal(width)[: min(config.n_positions, width)]
    inner.wpe.weight.zero_()
    inner.wpe.weight[: len(places)] = places * PLACES
    tokens = torch.randn(config.vocab_size, width) / width**0.5
    inner.wte.weight.copy_(tokens if alike is None else token_vectors(alike, width))
    # What layer norm makes of a place's vector, so that the logits come out as they are meant.
    seen = PLACES / (PLACES**2 + 1.0) ** 0.5 * width**0.5
    for block in inner.h:
        weight = torch.randn(width, 3 * width) / width**0.5
        weight[:, : 2 * width] = 0.0
        bias = torch.zeros(3 * width)
        for head in range(heads):
            bias[head * each] = 1.0
            key = places[0] * ABSENT
            if head + 1 < len(places):
                key = key + places[head + 1] * FOUND
            weight[:, width + head * each] = key * (each**0.5 / seen)
        block.attn.c_attn.weight.copy_(weight)
        block.attn.c_attn.bias.copy_(bias)
        block.attn.c_proj.weight.copy_(orthonormal(width))
        block.mlp.c_fc.weight.copy_(torch.randn(block.mlp.c_fc.weight.shape) * (GAIN / width**0.5))
        block.mlp.c_fc.bias.copy_(torch.randn(block.mlp.c_fc.bias.shape))
        block.mlp.c_proj.weight.copy_(torch.randn(block.mlp.c_proj.weight.shape) / 2.0)
    model.requires_grad_(False)
    model.lm_head.weight.zero_()
    model.lm_head.weight.requires_grad_(True)


def token_vectors(alike: Float[Tensor, "V V"], width: int) -> Float[Tensor, "V D"]:
    """Return vectors of about length 1 with given cosines, as far as the width allows."""
    values, vectors = torch.linalg.eigh(alike.double())
    root = (vectors * values.clamp_min(0.0).sqrt()).float()
    # Rotated at random: what is alike stays alike, and no dimension is special. With more tokens than dimensions
    # the rotation becomes a random projection, which keeps cosines nearly.
    out: Tensor = root @ orthonormal(max(width, len(root)))[: len(root), :width]
    return out


def orthonormal(size: int) -> Float[Tensor, "D D"]:
    """Return a random rotation, from torch's generator."""
    out: Tensor = torch.linalg.qr(torch.randn(size, size))[0]
    return out
