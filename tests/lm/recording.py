"""A recorder for tests without a GPU: operations are traced, and replayed on the very same tensors as a CUDA graph.

Tracing refuses a step that asks for a value of a tensor, and what Python decides while tracing is frozen.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx


class Traced:
    """The operations of one step."""

    def __init__(self, graph: GraphModule) -> None:
        self.graph = graph
        self.replays = 0

    def replay(self) -> None:
        with torch.no_grad():
            self.graph()
        self.replays += 1


class Tracer:
    """Records steps; `made` are its recordings."""

    def __init__(self, changed: Callable[[], list[torch.Tensor]]) -> None:
        self.made: list[Traced] = []
        self.changed = changed

    def __call__(self, step: Callable[[], None]) -> Traced:
        # Tracing runs the step, which recording on a GPU does not: what it changed is put back.
        changed = self.changed()
        before = [x.clone() for x in changed]
        self.made.append(Traced(make_fx(step, tracing_mode="real")()))
        with torch.no_grad():
            for x, value in zip(changed, before, strict=True):
                x.copy_(value)
        return self.made[-1]

    def forget(self) -> None:
        """Nothing is shared between recordings."""
