"""The cache of keys and values that sampling writes in place; that of transformers copies itself for every token."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

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
