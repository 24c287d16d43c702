"""How texts are drawn on a GPU: every step writes into memory that stays where it is, and the host waits for none.

The same draws as `poets_core.lm.sampling` makes, in another order of work. A step is recorded once for each shape
and replayed (CUDA graphs); on a CPU it runs as it is, and is compared with the other path there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from poets_core.lm.automaton import lay_out
from poets_core.lm.desk import Desk, places_for, rows_at_once, rows_for
from poets_core.lm.draw import invert
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.kernels import distinct_writes, replays, upload
from poets_core.lm.kv_cache import roomy_cache
from poets_core.lm.likelihood import masked_log_softmax
from poets_core.types import F8, I8

LOOK = 8
"""Steps between two looks at which rows still write. A look sees what was so at the look before, so that nothing waits;
it is never earlier or later, so that a resumed run drops the same rows at the same steps."""
SHRINK = 0.5
"""Ended rows leave when so small a share of the rows is enough for those that write."""


class Static:
    """One run of sampling at a desk; rows are sorted by branch."""

    def __init__(self, ensemble: BranchEnsemble, desk: Desk, branch: I8, prompt: I8, *, tokens: int) -> None:
        self.ensemble, self.desk, self.branch, self.prompt = ensemble, desk, branch, prompt
        self.n, self.device = len(branch), desk.device
        self.k = rows_for(self.n)
        self.tokens = tokens

    def write(self, uniforms: F8, heat: Tensor) -> tuple[list[list[int]], F8]:
        """Write all rows: their tokens, and their log-probabilities (n,)."""
        with distinct_writes():
            logits = self._prefill()
            self._begin(uniforms, heat)
            self._draw(logits, self.k)
            # What the last look asked for; its answer is read at the next one.
            pending: tuple[Tensor, Any] | None = None
            for t in range(1, self.tokens):
                self.ensemble.check()
                if t % LOOK == 0:
                    if pending is not None and not self._retire(pending):
                        break
                    pending = self._look()
                self._step()
            return self._texts()

    def _prefill(self) -> Float[Tensor, "n V"]:
        """Read each prompt once, and above the trunk once a branch; return logits of every row's first token."""
        ensemble, eos = self.ensemble, self.ensemble.backbone.vocabulary.eos
        lengths = np.array([len(ids) for ids in ensemble.prompt_ids], dtype=np.int64)
        seen = int(lengths[self.prompt].max())
        # Many rows follow few prompts. Below the branch point a prompt is the same for all branches as well, and
        # above it for all rows of a branch.
        prompts, which = np.unique(self.prompt, return_inverse=True)
        # Prompts are padded on the left, so that the next token of every row stands in the same column.
        padding = seen - lengths[prompts]
        ids = [[eos] * pad + ensemble.prompt_ids[p] for pad, p in zip(padding.tolist(), prompts.tolist(), strict=True)]
        pairs, pair = np.unique(np.stack([self.branch, which], 1), axis=0, return_inverse=True)
        trunk, upper = roomy_cache(), roomy_cache()

        def how(pad: I8, cache: Any) -> dict[str, Any]:
            columns = np.arange(seen)
            real = (columns >= pad[:, None]).astype(np.int64)
            return {
                "position_ids": upload(np.maximum(columns - pad[:, None], 0), self.device),
                "attention_mask": upload(real, self.device) if pad.any() else None,
                "past_key_values": cache,
                "use_cache": True,
            }

        backbone = ensemble.backbone
        read = upload(np.array(ids, dtype=np.int64), self.device)
        hidden = backbone.trunk(input_ids=read, **how(padding, trunk)).last_hidden_state
        ensemble.stack.layout.mixed(pairs[:, 0], self.device)
        own = hidden[upload(pairs[:, 1].copy(), self.device)]
        final = backbone.upper(inputs_embeds=own, **how(padding[pairs[:, 1]], upper)).last_hidden_state
        logits: Tensor = ensemble.head(final[:, -1])
        self.seen, self.padding = seen, padding[which]
        self._settle(trunk, upper, which, pair.ravel())
        return logits[upload(self._filled(pair.ravel()), self.device)]

    def _filled(self, x: I8) -> I8:
        """The values of all slots: those of the rows, and the last again for slots without one."""
        return np.concatenate([x, np.repeat(x[-1:], self.k - self.n)])

    def _settle(self, trunk: Any, upper: Any, which: I8, pair: I8) -> None:
        """Reserve what is missing, and copy what was read into the caches of all rows."""
        desk, places = self.desk, places_for(self.ensemble.longest)
        if not desk.fits(self.k, places, self.tokens):
            room = max(self.k, desk.slots), max(places, desk.places), self.ensemble.table.mask.max_tokens
            desk.reserve(trunk, upper, *room)
        for ours, theirs, rows in ((desk.trunk, trunk, which), (desk.upper, upper, pair)):
            index = upload(self._filled(rows), self.device)
            for layer, read in zip(ours.layers, theirs.layers, strict=True):
                layer.load(read, index)

    def _begin(self, uniforms: F8, heat: Tensor) -> None:
        """Set all slots to the state before the first token."""
        desk, k, n, device = self.desk, self.k, self.n, self.device
        self.branch = self._filled(self.branch)
        pad = upload(self._filled(self.padding), device)
        # A step reads the token before it moves on, hence the place and the position that come next.
        desk.place.fill_(self.seen)
        desk.column.zero_()
        desk.position[:k, 0] = self.seen - pad
        desk.state[:k] = 0
        desk.writing[:k] = torch.arange(k, device=device) < n
        desk.log_prob[:k] = 0.0
        desk.heat[:k] = 1.0
        desk.heat[:n] = heat
        desk.row[:k] = torch.arange(k, device=device)
        desk.uniforms[:n, : self.tokens] = upload(np.ascontiguousarray(uniforms[:, : self.tokens]), device)
        columns = torch.arange(desk.places, device=device)
        desk.visible[:k, 0, 0] = (columns >= pad[:, None]) & (columns < self.seen)
        self.key = desk.lie(self.ensemble.stack.layout, self.branch)
        self.taken = 0

    def _step(self) -> None:
        """Read one token of every row and draw the next."""
        # Steps see no further than they must: what lies behind is masked, and would be read all the same.
        k, places = self.k, places_for(self.seen + self.taken + 1)
        self.taken += 1

        def step() -> None:
            self._draw(self._forward(k, places), k)

        self.desk.replayed.run((k, places, *self.key), step, self.desk.changed)

    def _forward(self, k: int, places: int) -> Float[Tensor, "k V"]:
        desk, backbone = self.desk, self.ensemble.backbone
        for cache in (desk.trunk, desk.upper):
            for layer in cache.layers:
                layer.rows, layer.places = k, places
        # The token that is read sees itself.
        desk.visible[:k].index_fill_(3, desk.place, True)
        how = {
            "position_ids": desk.position[:k],
            "attention_mask": desk.visible[:k, :, :, :places],
            "use_cache": True,
        }
        hidden = backbone.trunk(input_ids=desk.fed[:k], past_key_values=desk.trunk, **how).last_hidden_state
        final = backbone.upper(inputs_embeds=hidden, past_key_values=desk.upper, **how).last_hidden_state
        desk.place.add_(1)
        desk.position[:k].add_(1)
        logits: Tensor = self.ensemble.head(final[:, -1])
        return logits

    def _draw(self, logits: Float[Tensor, "k V"], k: int) -> None:
        """Draw the next token of every row, note it, and move the grammar on."""
        desk, eos = self.desk, self.ensemble.backbone.vocabulary.eos
        state, writing = desk.state[:k], desk.writing[:k]
        log_p = masked_log_softmax(logits, desk.automaton.allowed[desk.automaton.row[state]])
        u = desk.uniforms.index_select(1, desk.column)[:, 0].index_select(0, desk.row[:k])
        drawn = invert(log_p, u, desk.heat[:k])
        # Heat moves which token is drawn. What is reported is the density at temperature 1, which the search uses.
        scores = log_p.gather(1, drawn[:, None])[:, 0].double().masked_fill(~writing, 0.0)
        desk.log_prob.index_add_(0, desk.row[:k], scores)
        # Rows that have ended read end tokens, which nobody looks at, and stay in the state that they ended in.
        drawn = drawn.masked_fill(~writing, eos)
        line = desk.written.index_select(0, desk.column)[0].index_copy_(0, desk.row[:k], drawn)
        desk.written.index_copy_(0, desk.column, line[None])
        going = writing & (drawn != eos)
        state.copy_(torch.where(going, desk.automaton.after(state, drawn), state))
        writing.copy_(going)
        desk.fed[:k, 0] = drawn
        desk.column.add_(1)

    def _look(self) -> tuple[Tensor, Any]:
        """Ask for which slots write now; the answer is on the host when the event has come."""
        now = self.desk.writing[: self.k]
        if self.device.type != "cuda":
            return now.clone(), None
        found = torch.empty(self.k, dtype=torch.bool, pin_memory=True).copy_(now, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        return found, event

    def _retire(self, look: tuple[Tensor, Any]) -> bool:
        """Let slots go that had ended when it was looked; return whether any still wrote."""
        found, event = look
        if event is not None:
            event.synchronize()
        writing = found.numpy()
        k = rows_for(max(1, int(writing.sum())))
        if k <= SHRINK * self.k:
            # Those that write, and as many others as fill the step, in their order: sorted by branch they stay.
            chosen = np.sort(np.argsort(~writing, kind="stable")[:k])
            index = upload(chosen, self.device)
            for x in self.desk.moving:
                x[:k] = x[index]
            for cache in (self.desk.trunk, self.desk.upper):
                for layer in cache.layers:
                    layer.keep(index, self.seen + self.taken)
            self.k, self.branch = k, self.branch[chosen]
            self.key = self.desk.lie(self.ensemble.stack.layout, self.branch)
        return bool(writing.any())

    def _texts(self) -> tuple[list[list[int]], F8]:
        """What was written; the one place where the host waits for the device."""
        desk, eos = self.desk, self.ensemble.backbone.vocabulary.eos
        # Tokens of a row up to and with its first end token; what it wrote after that is filling.
        written = desk.written[: self.taken + 1, : self.n].T.cpu().numpy()
        ended = written == eos
        length = np.where(ended.any(1), ended.argmax(1) + 1, written.shape[1])
        tokens = [row[:k].tolist() for row, k in zip(written, length.tolist(), strict=True)]
        return tokens, desk.log_prob[: self.n].cpu().numpy().copy()  # the next run writes there


def desk_for(ensemble: BranchEnsemble) -> Desk | None:
    """Return the desk of an ensemble, or None where steps cannot be taken without the host.

    That is so for a grammar that is too large for tables, for positions that are scaled by what was read so far, and
    for attention to a window that is shorter than the text.

    Args:
        ensemble: the branches; it keeps the desk between calls.
    """
    config = ensemble.backbone.model.config
    scaling = getattr(config, "rope_parameters", None) or {}
    if scaling.get("rope_type", "default") in ("dynamic", "longrope") or not ensemble.backbone.sees(ensemble.longest):
        return None
    kept = ensemble.kept
    # Once: laying out a grammar takes as long as asking it about all its states.
    if "desk" not in kept:
        automaton, device = lay_out(ensemble.table, ensemble.backbone.vocabulary.eos), ensemble.backbone.device
        kept["desk"] = None if automaton is None else Desk(automaton, replays(device), device)
    desk: Desk | None = kept["desk"]
    return desk


def write_static(
    ensemble: BranchEnsemble, desk: Desk, branch: I8, prompt: I8, uniforms: F8, heat: Tensor
) -> tuple[list[list[int]], F8]:
    """Write texts at a desk: their tokens, and their log-probabilities (n,).

    Args:
        ensemble: the branches; packed, to stay.
        desk: its desk.
        branch, prompt: i8 (n,) of each row, sorted by branch.
        uniforms: f8 (n, T).
        heat: temperature of each row, on the device.
    """
    tokens: list[list[int]] = []
    log_prob: list[F8] = []
    most = rows_at_once(ensemble.backbone.model.config, places_for(ensemble.longest), desk.device)
    # A row's text does not depend on its neighbours: more rows than there is memory for are written in turns.
    for start in range(0, len(branch), most):
        at = slice(start, start + most)
        length = min(uniforms.shape[1], ensemble.table.mask.max_tokens)
        run = Static(ensemble, desk, branch[at], prompt[at], tokens=length)
        found = run.write(uniforms[at], heat[at])
        tokens += found[0]
        log_prob.append(found[1])
    return tokens, np.concatenate(log_prob)
