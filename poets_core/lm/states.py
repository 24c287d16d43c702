"""The trunk cache: what the layers below the branch point give for every completion, kept for the whole run."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from poets_core.lm.kernels import upload
from poets_core.types import I8


@dataclass
class TrunkStates:
    """Hidden states of N completions at the branch point, never copied once they are in.

    Blocks are kept in memory up to `budget` bytes; what comes after lies in
    unnamed files of the temporary folder (`TMPDIR`), mapped into memory and
    gone when the process ends.

    Attributes:
        budget: bytes that may stay in memory.
        blocks: one per `append`, each with its own n and L.
    """

    budget: float = float("inf")
    blocks: list[Float[Tensor, "_ _ D"]] = field(default_factory=list)
    _block: I8 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _row: I8 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _in_memory: int = 0

    def __len__(self) -> int:
        return len(self._block)

    def append(self, block: Float[Tensor, "n L D"]) -> None:
        """Add n completions.

        Raises:
            OSError: the block must go to disk and the disk is full.
        """
        size = block.numel() * block.element_size()
        if self._in_memory + size > self.budget:
            block = _mapped(block)
        else:
            self._in_memory += size
        self._block = np.append(self._block, np.full(len(block), len(self.blocks)))
        self._row = np.append(self._row, np.arange(len(block)))
        self.blocks.append(block)

    def extend(self, other: TrunkStates) -> TrunkStates:
        """Add all of another's completions; return self."""
        for block in other.blocks:
            self.append(block)
        return self

    def take(self, index: Int64[np.ndarray, " n"], span: int) -> Float[Tensor, "n L D"]:
        """Return the states of some completions, cut or filled up with zeros to L = span."""
        # Within one block that is long enough one copy does it; searches of one round and tests are like that.
        first = self.blocks[0]
        if len(self.blocks) == 1 and first.shape[1] >= span:
            return first[upload(self._row[index], first.device), :span]
        out = first.new_zeros(len(index), span, first.shape[2])
        # Block by block: joined into one tensor the states would be copied every round, twice as large for a moment.
        where, row = self._block[index], self._row[index]
        for k in np.unique(where).tolist():
            block, to = self.blocks[k], np.flatnonzero(where == k)
            width = min(span, block.shape[1])
            found = block[upload(row[to], block.device), :width]
            out[upload(to, out.device), :width] = found.to(out.device)
        return out


def _mapped(block: Tensor) -> Tensor:
    """The same values in a file that only this process sees."""
    size = block.numel() * block.element_size()
    # Unlinked as soon as it is mapped, so that no crash leaves it behind; the mapping keeps the bytes.
    with tempfile.NamedTemporaryFile(prefix="poets-trunk-") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # a full disk must be an error here, not a signal later
        except OSError as error:
            raise OSError(
                error.errno,
                f"Expected {size} bytes for the trunk cache in {Path(file.name).parent}, got: {error.strerror}. Free "
                "space there, set TMPDIR, or raise backbone.cache_mb",
            ) from error
        out = torch.from_file(file.name, shared=True, size=block.numel(), dtype=block.dtype).view(block.shape)
        return out.copy_(block)
