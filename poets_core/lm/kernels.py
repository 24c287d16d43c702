"""Which kernels run on a GPU, how arrays reach it without a wait, and how a step is recorded and played again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel


def repeatable() -> None:
    """Choose kernels that give the same bits every time: a run resumed after a kill has to come to them again.

    The one place where this is decided, with `scoring_attention` and `distinct_writes`, which are exceptions by name.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS at its first product
    torch.use_deterministic_algorithms(True, warn_only=True)
    # The mode also fills new tensors with NaN, one launch each. Nothing here reads what was not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # Of the forward passes the others are as fast, and cuDNN's warns that its backward differs from run to run.
    torch.backends.cuda.enable_cudnn_sdp(False)


@contextlib.contextmanager
def scoring_attention(device: torch.device) -> Iterator[None]:
    """Attention of what is scored and trained: on a GPU by plain products, whose backward adds in one order.

    Flash and memory-efficient attention add gradients by atomics. Scores without a gradient take the same kernel, so
    that pi and pi_ref agree to the bit before training. On a CPU every kernel repeats and nothing is changed.
    """
    if device.type != "cuda":
        yield
        return
    with sdpa_kernel(SDPBackend.MATH):
        yield


@contextlib.contextmanager
def distinct_writes() -> Iterator[None]:
    """Let indexed writes run as they are where no two of them meet; the repeatable mode would sort them first.

    Only for code whose indices are distinct, so that the order of writing changes nothing.
    """
    on, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(on, warn_only=warns)


def cumulative(p: Float64[Tensor, "n V"]) -> Float64[Tensor, "n V"]:
    """Return running sums along each row, the same bits every time."""
    if p.device.type != "cuda":
        return p.cumsum(-1)
    # A single row is scanned by many blocks whose sums meet in any order; each of several rows by one, in order.
    # The repeatable mode does not tell the two apart and would warn of both.
    rows = p.expand(2, -1) if len(p) == 1 else p
    with distinct_writes():
        return rows.cumsum(-1)[: len(p)]


def upload(array: np.ndarray, device: torch.device) -> Tensor:
    """Return an array on a device; the host does not wait for a GPU to take it."""
    found = torch.from_numpy(array)
    if device.type != "cuda":
        return found.to(device)
    # Out of pinned memory the copy is queued like a kernel; the allocator keeps the memory until it has run.
    return found.pin_memory().to(device, non_blocking=True)


MOST_RECORDED = 128
"""Recordings kept at once; when there are more, all are made anew as they come."""


class Recorded(Protocol):
    """A step that was recorded."""

    def replay(self) -> None:
        """Run it again, on the same memory."""
        ...


class Recorder(Protocol):
    """Records steps."""

    def __call__(self, step: Callable[[], None]) -> Recorded:
        """Record a step without changing anything."""
        ...

    def forget(self) -> None:
        """All recordings so far are gone."""
        ...


class CudaCapture:
    """Records steps as CUDA graphs that share their working memory; they must be replayed one after the other."""

    def __init__(self) -> None:
        self._pool: Any = None

    def __call__(self, step: Callable[[], None]) -> Recorded:
        """Record one step without running it."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            step()
        self._pool = graph.pool()
        return graph

    def forget(self) -> None:
        """Begin a new pool: one whose graphs are all gone cannot be taken up again while a tensor lies in it."""
        self._pool = None


class Replays:
    """Steps by their shapes: recorded when they first come, then replayed; run as they are without a recorder.

    A step reads and writes tensors that stay where they are, never asks a device for a value, and what it takes from
    Python must follow from its key.
    """

    def __init__(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self._recorded: dict[Hashable, tuple[Recorded, Callable[[], None]]] = {}

    def clear(self) -> None:
        """Forget all recordings: the memory that they write to is gone."""
        self._recorded.clear()
        if self._recorder is not None:
            self._recorder.forget()

    def run(self, key: Hashable, step: Callable[[], None], changed: Sequence[Tensor]) -> None:
        """Take one step.

        Args:
            key: shapes and whatever else Python decides in the step.
            step: the step.
            changed: all tensors that the step changes and that matter afterwards.
        """
        if self._recorder is None:
            step()
            return
        if key not in self._recorded:
            # Kernels are chosen and memory is reserved by running once, which a recording must not contain. What that
            # changed is put back, and the step that counts is a replay like all others: to the same bits.
            before = [x.detach().clone() for x in changed]
            _aside(step)
            with torch.no_grad():
                for x, value in zip(changed, before, strict=True):
                    x.copy_(value)
            if len(self._recorded) >= MOST_RECORDED:
                self.clear()
            # The step is kept beside its recording: it holds the tensors whose memory the recording reads.
            self._recorded[key] = self._recorder(step), step
        self._recorded[key][0].replay()


def replays(device: torch.device) -> Replays:
    """Return what steps on a device are run by: graphs on CUDA, nothing in between elsewhere."""
    return Replays(CudaCapture() if device.type == "cuda" else None)


def _aside(step: Callable[[], None]) -> None:
    """Run a step on a stream of its own, as recording asks for; in place where there is no GPU."""
    if not torch.cuda.is_available():
        step()
        return
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        step()
    torch.cuda.current_stream().wait_stream(stream)
