"""Caches of keys and values that sampling writes in place: one that grows, and one that stays where it is."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float, Int64
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer

SMALLEST = 32
"""Places of a new cache; one that is full doubles."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer with room for more places behind them.

    Attributes:
        keys, values: the part that is filled, (n, heads, places, d); a view of what is reserved.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._reserved: list[Tensor] = []

    def update(
        self, key_states: Float[Tensor, "n h q d"], value_states: Float[Tensor, "n h q d"], *args: Any, **kwargs: Any
    ) -> tuple[Float[Tensor, "n h p d"], Float[Tensor, "n h p d"]]:
        """Write q places behind the p - q that are filled; return all p."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        seen = self.get_seq_length()
        end = seen + key_states.shape[-2]
        if not self._reserved or end > self._reserved[0].shape[-2]:
            # Doubled, so that writing T places copies at most 2 T in all.
            room = max(SMALLEST, 2 * end)
            wider = [x.new_empty(*x.shape[:2], room, x.shape[3]) for x in (key_states, value_states)]
            for new, old in zip(wider, (self.keys, self.values), strict=True):
                if seen:
                    new[:, :, :seen] = old
            self._reserved = wider
        for reserved, fresh in zip(self._reserved, (key_states, value_states), strict=True):
            reserved[:, :, seen:end] = fresh
        self._show(end)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows."""
        # The reserved places are selected too: selecting the view alone would give up the room behind it.
        seen = self.get_seq_length()
        if seen:
            self._reserved = [x.index_select(0, indices) for x in self._reserved]
            self._show(seen)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Copy every row `repeats` times."""
        seen = self.get_seq_length()
        if seen:
            self._reserved = [x.repeat_interleave(repeats, dim=0) for x in self._reserved]
            self._show(seen)

    def _show(self, places: int) -> None:
        self.keys, self.values = (x[:, :, :places] for x in self._reserved)


def roomy_cache() -> Any:
    """Return an empty cache for a model of any number of layers."""
    return Cache(layer_class_to_replicate=RoomyLayer)


class StaticLayer(CacheLayerMixin):  # type: ignore[misc]
    """Keys and values of one layer in memory that stays where it is, as a recorded step needs it.

    Attributes:
        keys, values: (n, heads, places, d), all that is reserved.
        rows, places: the part that is in use, at its front.
    """

    is_sliding = False

    def __init__(
        self, keys: Float[Tensor, "n h p d"], values: Float[Tensor, "n h p d"], at: Int64[Tensor, " 1"]
    ) -> None:
        """Reserve as much as two tensors hold.

        Args:
            keys, values: the memory; values in it must be finite.
            at: the place that is written next, on the device; whoever takes steps moves it on.
        """
        super().__init__()
        self.keys, self.values, self._at, self.is_initialized = keys, values, at, True
        self.rows, self.places = keys.shape[0], keys.shape[2]

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the memory is there."""

    def update(
        self, key_states: Float[Tensor, "n h 1 d"], value_states: Float[Tensor, "n h 1 d"], *args: Any, **kwargs: Any
    ) -> tuple[Float[Tensor, "n h p d"], Float[Tensor, "n h p d"]]:
        """Write the next place of the first `rows` rows; return their first `places` places, the rest to be masked."""
        found = []
        for reserved, fresh in ((self.keys, key_states), (self.values, value_states)):
            # The place is a tensor: a step that is replayed writes where it says then, not where it said when recorded.
            part = reserved[: self.rows, :, : self.places]
            part.index_copy_(2, self._at, fresh)
            found.append(part)
        return found[0], found[1]

    def load(self, other: RoomyLayer, rows: Int64[Tensor, " n"]) -> None:
        """Take over what another cache read, row i from its row rows[i]."""
        for reserved, read in ((self.keys, other.keys), (self.values, other.values)):
            reserved[: len(rows), :, : read.shape[2]] = read[rows]

    def keep(self, rows: Int64[Tensor, " n"], places: int) -> None:
        """Move some rows to the front, with as many places as are filled."""
        # The right side is a copy, so that no row is overwritten before it was read.
        for reserved in (self.keys, self.values):
            reserved[: len(rows), :, :places] = reserved[rows, :, :places]

    def get_seq_length(self) -> int:
        return int(self.places)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return int(self.places), 0

    def get_max_length(self) -> int:
        return int(self.keys.shape[2])


def static_cache(like: Any, slots: int, places: int, at: Int64[Tensor, " 1"]) -> Any:
    """Return a cache of fixed memory for the layers that another cache has read with.

    Args:
        like: a roomy cache in use.
        slots, places: rows and places to reserve.
        at: see `StaticLayer`.
    """
    layers = []
    for layer in like.layers:
        # Zeros: what is masked is multiplied by 0 in some kernels, and 0 times NaN is not 0.
        keys, values = (x.new_zeros(slots, x.shape[1], places, x.shape[3]) for x in (layer.keys, layer.values))
        layers.append(StaticLayer(keys, values, at))
    return Cache(layers=layers)
