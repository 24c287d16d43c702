"""The memory that sampling by steps of fixed shapes writes into, and the shapes themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from poets_core.lm.automaton import Automaton
from poets_core.lm.kernels import Replays, upload
from poets_core.lm.kv_cache import static_cache
from poets_core.lm.lora import Layout, mixed_places
from poets_core.types import I8

FEWEST = 8
"""Rows of a step at least."""
ROOM_SHARE = 4
"""Caches of one run take at most 1/4 of the GPU; rows beyond that are written in turns."""
KEPT_SHARE = 16
"""Memory and recordings are kept for the next call where they take at most 1/16 of the GPU; else every call reserves
and records anew, which a round of minutes does not notice."""


def rows_for(n: int) -> int:
    """Return how many rows a step for n rows has: a power of two, or one and a half times one, so that shapes recur."""
    power = max(FEWEST, 1 << (n - 1).bit_length())
    return power * 3 // 4 if n <= power * 3 // 4 and power > FEWEST else power


def places_for(n: int) -> int:
    """Return how many places a step that reads n has: 32, 64, 128, then whole 128s."""
    return max(32, 1 << (n - 1).bit_length()) if n <= 128 else -(-n // 128) * 128


def rows_at_once(config: Any, places: int, device: torch.device) -> int:
    """Return for how many rows caches of so many places may be reserved: a fraction of a GPU; any number elsewhere.

    Args:
        config: of the Hugging Face model.
        places: of each row.
        device: where they lie; the frozen weights are bfloat16 there.
    """
    if device.type != "cuda":
        return 2**31
    return bounded_rows(config, places, int(torch.cuda.get_device_properties(device).total_memory) // ROOM_SHARE)


def bounded_rows(config: Any, places: int, room: int) -> int:
    """Return how many rows of bfloat16 keys and values fit into some bytes, as `rows_for` counts, `FEWEST` at least."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rows = room // (2 * 2 * config.num_hidden_layers * heads * width * places)
    return max((n for n in map(rows_for, (1 << k for k in range(31))) if n <= rows), default=FEWEST)


class Desk:
    """The memory that sampling writes into, and its recorded steps; an ensemble has one.

    Attributes:
        slots, places, tokens: rows, places of the caches and tokens of a completion that there is room for.
    """

    def __init__(self, automaton: Automaton, replayed: Replays, device: torch.device) -> None:
        self.automaton, self.replayed, self.device = automaton, replayed, device
        self.slots = self.places = self.tokens = 0
        self.layouts: dict[tuple[int, int, bool], list[Tensor]] = {}
        self.trunk: Any = None
        self.upper: Any = None

    def fits(self, slots: int, places: int, tokens: int) -> bool:
        """Whether a run has room."""
        return slots <= self.slots and places <= self.places and tokens <= self.tokens

    def reserve(self, trunk: Any, upper: Any, slots: int, places: int, tokens: int) -> None:
        """Reserve memory for caches like two that have read the prompts."""
        self.leave()  # before the larger ones come
        self.slots, self.places, self.tokens = slots, places, tokens
        device = self.device
        # Where the next place of the caches and the next token of the texts are: the same for all rows.
        self.place, self.column = (torch.zeros(1, dtype=torch.int64, device=device) for _ in range(2))
        self.fed, self.position = (torch.zeros(slots, 1, dtype=torch.int64, device=device) for _ in range(2))
        self.state = torch.zeros(slots, dtype=torch.int64, device=device)
        self.writing = torch.zeros(slots, dtype=torch.bool, device=device)
        self.heat = torch.ones(slots, dtype=torch.float64, device=device)
        self.visible = torch.zeros(slots, 1, 1, places, dtype=torch.bool, device=device)
        # Which row of a run each slot writes. Texts and their scores stay at the row's own place when slots move.
        self.row = torch.zeros(slots, dtype=torch.int64, device=device)
        self.log_prob = torch.zeros(slots, dtype=torch.float64, device=device)
        self.uniforms = torch.zeros(slots, tokens, dtype=torch.float64, device=device)
        self.written = torch.zeros(tokens, slots, dtype=torch.int64, device=device)
        self.trunk, self.upper = (static_cache(like, slots, places, self.place) for like in (trunk, upper))

    def leave(self) -> None:
        """Give the memory of the caches and the recordings back."""
        self.slots = self.places = self.tokens = 0
        self.trunk = self.upper = None
        self.layouts.clear()
        self.replayed.clear()

    @property
    def changed(self) -> list[Tensor]:
        """What a step changes; keys and values beyond the last place are written again before they are seen."""
        return [
            self.place,
            self.column,
            self.fed,
            self.position,
            self.state,
            self.writing,
            self.log_prob,
            self.visible,
            self.written,
        ]

    @property
    def moving(self) -> list[Tensor]:
        """What belongs to a slot and moves with its row."""
        return [self.fed, self.position, self.state, self.writing, self.heat, self.visible, self.row]

    @property
    def bytes(self) -> int:
        """What the caches take."""
        both = [x for cache in (self.trunk, self.upper) for layer in cache.layers for x in (layer.keys, layer.values)]
        return sum(x.numel() * x.element_size() for x in both)

    def lie(self, layout: Layout, branch: I8) -> tuple[int, int, bool]:
        """Lay out rows of any branches in tensors that stay where they are; return what a recording must know of it."""
        # Neither of these two gathers anything, so nothing has to stay where it is.
        if not (branch >= 0).any():
            layout.reference()
            return 0, 0, True
        layout.mixed(branch, self.device)
        if layout.gather is None:
            return 0, 0, False
        most = int(np.bincount(branch[branch >= 0]).max())
        # Filled up to a power of two: a recording then serves other rows, whose branches are spread in another way.
        width = 1 << (most - 1).bit_length()
        gather, scatter, bare = mixed_places(branch, layout.branches, width)
        key = (len(branch), width, len(bare) > 0)
        # As many numbers whatever the rows: those of the reference are repeated, and set to zero more than once.
        fresh = [upload(x, self.device) for x in (gather, scatter, np.resize(bare, len(branch)))]
        kept = self.layouts.setdefault(key, fresh)
        for x, value in zip(kept, fresh, strict=True):
            x.copy_(value)
        layout.places(kept[0], kept[1], kept[2] if len(bare) else None)
        return key


def keeps(desk: Desk) -> bool:
    """Whether a desk is small enough to stay while branches are trained."""
    if desk.device.type != "cuda":
        return False
    return desk.bytes * KEPT_SHARE <= torch.cuda.get_device_properties(desk.device).total_memory
