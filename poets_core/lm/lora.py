"""How M policies share one frozen layer: stacked LoRA, M low-rank adapters beside a frozen linear layer.

The frozen matrix multiplies all rows at once; the adapters add their deltas by
batched products, so M policies cost little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from poets_core.keyed import rng_for
from poets_core.lm.frozen import FrozenLinear
from poets_core.lm.product import StackedProduct, add_delta, joined
from poets_core.types import I8


@dataclass
class Layout:
    """Which branch each row of the coming forward pass belongs to.

    Shared by all stacked layers of an ensemble and set by it before a pass:
    `reference()` (no branch), `grouped()` (rows lie as blocks of equal size,
    one for each branch or for each of `only`) or `mixed(branch)` (rows of any
    branch, padded once into blocks).
    """

    branches: int
    active: bool = False
    only: slice | None = None
    gather: Tensor | None = None
    scatter: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    bare: Tensor | None = None

    def reference(self) -> None:
        """No branch: the frozen backbone."""
        self.active, self.gather, self.bare, self.only = False, None, None, None

    def grouped(self, only: slice | None = None) -> None:
        """Rows are (M, b), branch by branch, or (m, b) of the m branches in `only`."""
        self.active, self.gather, self.bare, self.only = True, None, None, only

    def mixed(self, branch: Int64[np.ndarray, " n"], device: torch.device) -> None:
        """Rows belong to the branches given; -1 is the reference and gets no delta."""
        if not (branch >= 0).any():
            return self.reference()
        counts = np.bincount(branch[branch >= 0], minlength=self.branches)
        width = int(counts.max())
        if (counts == width).all() and counts.sum() == len(branch) and (np.diff(branch) >= 0).all():
            return self.grouped()  # sorted blocks of equal size: nothing to gather
        # Made once per pass, used by every layer.
        gather, scatter, bare = mixed_places(branch, self.branches, width)
        found = [torch.from_numpy(x).to(device) for x in (gather, scatter, bare)]
        self.places(found[0], found[1], found[2] if len(bare) else None)

    def places(
        self, gather: Int64[Tensor, " p"], scatter: Int64[Tensor, " n"], bare: Int64[Tensor, " b"] | None
    ) -> None:
        """Rows belong to any branches, as `mixed_places` says it."""
        self.active, self.only, self.gather, self.scatter, self.bare = True, None, gather, scatter, bare


def mixed_places(branch: Int64[np.ndarray, " n"], branches: int, width: int) -> tuple[I8, I8, I8]:
    """Return where rows of any branch stand in blocks of one size, which batched products want.

    Args:
        branch: branch of each row, -1 for the reference.
        branches: M.
        width: places of each branch, as many at least as the branch with most rows has.

    Returns:
        Which row stands at each of the M width places (row 0 at those left over, whose answers nobody reads); at which
        place each row's delta is found afterwards; and which rows are the reference's.
    """
    gather = np.zeros((branches, width), dtype=np.int64)
    scatter = np.zeros(len(branch), dtype=np.int64)
    for m in range(branches):
        rows = np.flatnonzero(branch == m)
        gather[m, : len(rows)] = rows
        scatter[rows] = m * width + np.arange(len(rows))
    # Rows of the reference have no place of their own. They read place 0 and are set to zero before the sum.
    return gather.ravel(), scatter, np.flatnonzero(branch < 0)


@dataclass(frozen=True)
class AdapterShape:
    """Sizes of the adapters of an ensemble.

    Attributes:
        branches: M.
        rank: rank of the trainable block.
        prior_rank: rank of the fixed random block, 0 for none.
        scaling: factor on both blocks (alpha / rank of LoRA, Hu et al. 2021).
    """

    branches: int
    rank: int
    prior_rank: int
    scaling: float = 2.0


class StackedLoRALinear(nn.Module):
    """A frozen linear layer with M adapters, each a fixed prior block beside a trainable block.

    delta_m(x) = scaling * ( s B'_m A'_m x  +  B_m A_m x ), primes for the prior
    block (randomised prior functions, Osband et al. 2018), s = `prior_factor`.
    """

    def __init__(self, base: FrozenLinear, shape: AdapterShape, layout: Layout, *, seed: int, name: str) -> None:
        """Wrap `base`; blocks are drawn from the key (seed, name, branch)."""
        super().__init__()
        self.base, self.shape, self.layout, self.name = base, shape, layout, name
        self.in_features, self.out_features = base.in_features, base.out_features
        self.prior_factor = 0.0
        a, prior_a, prior_b = self._draw(seed, reset=0)
        self.prior_a: Tensor
        self.prior_b: Tensor
        self.register_buffer("prior_a", prior_a, persistent=False)
        self.register_buffer("prior_b", prior_b, persistent=False)
        self.a = nn.Parameter(a)
        # B lies transposed in memory, its long side last, as `StackedProduct` multiplies it.
        self.b = nn.Parameter(torch.zeros(shape.branches, shape.rank, self.out_features).transpose(1, 2))
        self._packed: tuple[Tensor, Tensor] | None = None
        self._room: tuple[Tensor, Tensor] | None = None

    def _draw(self, seed: int, reset: int) -> tuple[Tensor, Tensor, Tensor]:
        # A stream per layer and branch: a branch starts alike whatever M is. The trained block has a stream of its own,
        # so that a reset draws it anew and leaves the prior.
        m, r, p, bound = self.shape.branches, self.shape.rank, self.shape.prior_rank, self.in_features**-0.5
        rngs = [rng_for(seed, "adapter", self.name, k) for k in range(m)]
        prior_a = np.stack([g.normal(0.0, bound, (p, self.in_features)) for g in rngs])
        prior_b = np.stack([g.normal(0.0, max(p, 1) ** -0.5, (self.out_features, p)) for g in rngs])
        starts = [rng_for(seed, "adapter start", self.name, k, reset) for k in range(m)]
        a = np.stack([g.uniform(-bound, bound, (r, self.in_features)) for g in starts])
        ours = [torch.from_numpy(x).float() for x in (a, prior_a, prior_b)]
        return ours[0], ours[1], ours[2]

    def restart(self, seed: int, reset: int) -> None:
        """Put the trainable block back to its start: A from the key (seed, ..., reset), B = 0."""
        with torch.no_grad():
            self.a.copy_(self._draw(seed, reset)[0].to(self.a.device))
            self.b.zero_()

    def blocks(self) -> tuple[Float[Tensor, "M R in"], Float[Tensor, "M out R"]]:
        """Return both blocks as one adapter of rank R = prior_rank + rank, without `scaling`."""
        if self.shape.prior_rank == 0:
            return self.a, self.b
        return (
            torch.cat([self.prior_a, self.a], dim=1),
            torch.cat([self.prior_b * self.prior_factor, self.b], dim=2),
        )

    def pack(self, packed: bool, *, stay: bool = False) -> None:
        """Keep the joined blocks while no gradient is needed (sampling), or let them go.

        Args:
            packed: whether they are wanted.
            stay: put them where they were the last time that this was asked for, since a recorded step looks for them
                there; until `forget`.
        """
        self._packed = None
        if packed:
            a = joined(self.prior_a, self.a.detach())
            b = joined(self._scaled_prior_b(), self.b.detach().transpose(1, 2))
            self._packed = a.to(self.base.weight.dtype), b.to(self.base.weight.dtype).contiguous()
            if stay:
                # Copies of their own: without a prior the blocks above may be the trained ones themselves.
                self._room = self._room or (torch.empty_like(a, dtype=self.base.weight.dtype), self._packed[1].clone())
                for kept, fresh in zip(self._room, self._packed, strict=True):
                    kept.copy_(fresh)
                self._packed = self._room

    def forget(self) -> None:
        """Give up the place where joined blocks stay: no recorded step looks for them any more."""
        self._room = None

    def _scaled_prior_b(self, branches: slice = slice(None)) -> Float[Tensor, "m p out"]:
        return self.prior_b[branches].transpose(1, 2) * self.prior_factor

    def grouped_blocks(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return A, B, prior A and prior B (times its factor) of the pass's branches for `StackedProduct`."""
        only = self.layout.only
        if only is None:
            return self.a, self.b.transpose(1, 2), self.prior_a, self._scaled_prior_b()
        return self.a[only], self.b[only].transpose(1, 2), self.prior_a[only], self._scaled_prior_b(only)

    def forward(self, x: Float[Tensor, "n *T in"]) -> Float[Tensor, "n *T out"]:
        """Return base(x) plus the deltas of the branches that the layout names for the n rows."""
        layout = self.layout
        if not layout.active:
            y: Tensor = self.base(x)
            return y
        scaling = self.shape.scaling
        if layout.gather is None:  # rows already lie as (M, b)
            # With gradients the product is written out by hand; packed adapters mean that nothing is trained meanwhile.
            if self._packed is None:
                blocks = self.grouped_blocks()
                rows = x.reshape(len(blocks[0]), -1, self.in_features)
                y = StackedProduct.apply(rows, *blocks, self.base, scaling)  # type: ignore[no-untyped-call]
            else:
                rows = x.reshape(self.shape.branches, -1, self.in_features)
                y = self.base(rows)
                add_delta(y, rows, *self._packed, scaling)
            return y.view(*x.shape[:-1], self.out_features)
        if self._packed is None:
            raise RuntimeError("Expected packed adapters for rows of mixed branches, got none. Call pack(True) first.")
        return self._mixed(x, layout.gather, layout.scatter, *self._packed)

    def _mixed(self, x: Tensor, gather: Tensor, scatter: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """Rows of any branch, without gradients: gather them into blocks, and add the deltas back."""
        # The frozen product, nearly all of the work, takes the rows as they lie; only the small ones need blocks.
        y: Tensor = self.base(x)
        layout = self.layout
        rows = x.index_select(0, gather).view(self.shape.branches, -1, self.in_features)
        inner = torch.bmm(a, rows.transpose(1, 2)).transpose(1, 2)
        delta = torch.bmm(inner, b).view(len(gather), *y.shape[1:]).index_select(0, scatter)
        if layout.bare is not None:
            delta.index_fill_(0, layout.bare, 0.0)
        return y.add_(delta, alpha=self.shape.scaling)


@dataclass
class Stack:
    """All stacked layers of an ensemble, by their path in the Hugging Face model."""

    layout: Layout
    shape: AdapterShape
    layers: dict[str, StackedLoRALinear] = field(default_factory=dict)

    def parameters(self) -> list[nn.Parameter]:
        """Trainable blocks, each with leading dimension M, in a stable order."""
        return [p for layer in self.layers.values() for p in (layer.a, layer.b)]

    @property
    def prior_factor(self) -> float:
        """What every prior block is scaled by."""
        return next(iter(self.layers.values())).prior_factor

    def set_prior_factor(self, value: float) -> None:
        """Scale every prior block by `value`."""
        for layer in self.layers.values():
            layer.prior_factor = value


def install(modules: dict[str, nn.Module], shape: AdapterShape, *, seed: int) -> Stack:
    """Replace every frozen linear layer below the given modules by a stacked one.

    Args:
        modules: module path in the Hugging Face model -> module.
        shape: sizes of the adapters.
        seed: key of the random blocks.
    """
    stack = Stack(Layout(shape.branches), shape)
    for prefix, outer in modules.items():
        for name, module in list(outer.named_modules()):
            if isinstance(module, FrozenLinear):
                path = f"{prefix}.{name}"
                parent, _, leaf = name.rpartition(".")
                layer = StackedLoRALinear(module, shape, stack.layout, seed=seed, name=path)
                setattr(outer.get_submodule(parent), leaf, layer.to(module.weight.device))
                stack.layers[path] = layer
    return stack
