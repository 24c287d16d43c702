"""How M policies live on one frozen backbone: the ensemble of branches, and what it says of completions.

A branch is the backbone plus one LoRA adapter on every linear layer from the
branch point upwards and on the head. The backbone alone is the reference.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from poets_core.errors import InvalidModel
from poets_core.lm.backbone import Backbone
from poets_core.lm.families import FAMILIES
from poets_core.lm.frozen import FrozenLinear
from poets_core.lm.grammar import LengthLimit, MaskTable
from poets_core.lm.head import blocks, head_log_prob
from poets_core.lm.kernels import scoring_attention, upload
from poets_core.lm.likelihood import (
    Encoded,
    LogProb,
    Rows,
    divergence,
    masked_log_softmax,
    predictors,
    token_log_prob,
)
from poets_core.lm.lora import AdapterShape, Stack, StackedLoRALinear, install
from poets_core.lm.states import TrunkStates
from poets_core.protocols import Check, TokenMask, unheard
from poets_core.types import I8

SMALLEST_PASS = 16
"""Rows of a pass at least. With fewer, matrix kernels round differently, and the log-ratio of equal policies would be a
rounding error instead of zero."""
POSITIONS_PER_PASS = 8_192
"""Rows times tokens of a pass at most; activations of more leave the processor's cache."""
LOGITS_PER_PASS = 64_000_000
"""Logits of a pass at most; with a large vocabulary more would exhaust memory."""


class BranchEnsemble:
    """M branches above the branch point of a backbone; the only stateful part of `lm`."""

    def __init__(
        self,
        backbone: Backbone,
        shape: AdapterShape,
        prompts: Sequence[str],
        mask: TokenMask | None,
        *,
        max_tokens: int,
        seed: int,
        check: Check = unheard,
    ) -> None:
        """Install the adapters into the backbone (which belongs to this ensemble from now on).

        Args:
            backbone: frozen model, cut at the branch point.
            shape: number of branches and ranks.
            prompts: texts that completions follow; one is usual.
            mask: the problem's grammar, or None for any text.
            max_tokens: longest completion where there is no grammar, end token included.
            seed: key of the adapters' random blocks.
            check: called inside every long step: between two passes, tokens and training steps.

        Raises:
            InvalidModel: sequences can be longer than the model reads.
        """
        self.backbone, self.check = backbone, check
        self.shape = shape
        self.kept: dict[str, Any] = {}
        """What sampling keeps between calls; the same object in all that read other prompts."""
        self.prompt_ids = [backbone.prompt_ids(p) for p in prompts]
        grammar: TokenMask = mask if mask is not None else LengthLimit(backbone.vocabulary, max_tokens)
        # The last token is predicted and never read, hence one less.
        longest, room = max(len(ids) for ids in self.prompt_ids) + grammar.max_tokens - 1, self.positions
        if longest > room:
            raise InvalidModel(
                f"Expected a backbone that reads {longest} tokens (prompt and completion), got {backbone.source} with "
                f"{room} positions. Shorten the designs or choose another backbone."
            )
        # The head is the largest matrix and close to the output: an adapter there moves single tokens, which layers
        # below it can only do together. It is stacked apart because it is no part of the layers.
        self.table = MaskTable(grammar, len(backbone.vocabulary.tokens), backbone.device)
        self.stack: Stack = install(self._upper_layers(), shape, seed=seed)
        head_path = next(n for n, m in backbone.model.named_modules() if m is backbone.head)
        self.head = StackedLoRALinear(FrozenLinear(backbone.head), shape, self.stack.layout, seed=seed, name=head_path)
        self.stack.layers[head_path] = self.head.to(backbone.device)

    def _upper_layers(self) -> dict[str, nn.Module]:
        config, model = self.backbone.model.config, self.backbone.model
        prefix = f"{model.base_model_prefix}.{FAMILIES[config.model_type][0]}"
        layers = model.get_submodule(prefix)
        return {f"{prefix}.{i}": layers[i] for i in range(self.backbone.branch_from, len(layers))}

    @property
    def positions(self) -> int:
        """Tokens that the backbone reads at most, prompt included."""
        return int(self.backbone.model.config.max_position_embeddings)

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt with the longest completion."""
        return max(map(len, self.prompt_ids)) + self.table.mask.max_tokens

    def reading(self, prompts: Sequence[Sequence[int]]) -> BranchEnsemble:
        """Return an ensemble of the same branches that writes after other prompts.

        Weights and adapters are shared, not copied.

        Args:
            prompts: token ids of each; with a completion they must fit into `positions`.
        """
        # Shallow: adapters and mask are the same objects, so that the copy costs nothing and follows what is trained.
        other = copy.copy(self)
        other.prompt_ids = [list(ids) for ids in prompts]
        return other

    @property
    def branches(self) -> int:
        """M."""
        return self.shape.branches

    @property
    def head_alone(self) -> bool:
        """Whether no layer below the head has adapters."""
        return len(self.stack.layers) == 1

    @property
    def activation_bytes(self) -> int:
        """About how many bytes a position of a branch keeps for its gradient: inputs of layers, attention, softmax."""
        widths = sum(x.in_features + x.out_features for x in self.stack.layers.values() if x is not self.head)
        return 4 * (2 * widths + self.head.out_features)

    def attention_bytes(self, span: int) -> int:
        """About how many bytes of attention a position of a branch keeps beside `activation_bytes`: see kernels.

        Args:
            span: places that it looks back at.
        """
        if self.backbone.device.type != "cuda":
            return 0
        config = self.backbone.model.config
        return 8 * int(config.num_attention_heads) * span * (self.backbone.layers - self.backbone.branch_from)

    def parameters(self) -> list[nn.Parameter]:
        """Trainable tensors, each (M, ...), in a stable order."""
        return self.stack.parameters()

    @torch.no_grad()
    def encode(self, completions: Sequence[Sequence[int]], prompt: Int64[np.ndarray, " N"]) -> Encoded:
        """Run the trunk once over N completions and score them under the reference.

        Args:
            completions: (N,) token ids, the end token included.
            prompt: index of the prompt of each.
        """
        eos = self.backbone.vocabulary.eos
        length = np.array([len(c) for c in completions], dtype=np.int64)
        position = np.array([len(self.prompt_ids[p]) - 1 for p in prompt.tolist()], dtype=np.int64)
        t, span = int(length.max(initial=1)), int((position + length).max(initial=1))
        tokens = np.full((len(completions), t), eos, dtype=np.int64)
        ids = np.full((len(completions), span), eos, dtype=np.int64)
        for i, (c, p) in enumerate(zip(completions, prompt.tolist(), strict=True)):
            tokens[i, : len(c)] = c
            whole = [*self.prompt_ids[p], *c[:-1]]
            ids[i, : len(whole)] = whole
        ends = position + length
        size, like = self.backbone.model.config.hidden_size, self.backbone.head.weight
        # What the trunk gives is the same for every branch and never changes, so it is computed here and never again.
        hidden = torch.zeros(len(ids), span, size, device=like.device, dtype=like.dtype)  # type: ignore[arg-type]
        for rows, keep in self._passes(ends):
            width = int(ends[rows].max())
            hidden[upload(rows[:keep], hidden.device), :width] = self._trunk(ids[rows, :width])[:keep]
        states = TrunkStates()
        states.append(hidden)
        # Reference and branches are scored by the same code on the same states: before training their ratio is exactly
        # 0.
        bare = Encoded(tokens, length, prompt, position, self.table.walk(tokens, length), states, np.zeros(len(tokens)))
        self.stack.layout.reference()
        reference = np.zeros(len(tokens))
        for rows, keep in self._passes(ends):
            reference[rows[:keep]] = self._score(bare.take(rows))[:keep].cpu().numpy()
        return replace(bare, reference=reference)

    def _trunk(self, ids: I8) -> Tensor:
        x = upload(ids, self.backbone.device)
        out: Tensor = self.backbone.trunk(input_ids=x, use_cache=False).last_hidden_state
        return out

    def _passes(self, ends: I8, copies: int = 1) -> Iterator[tuple[I8, int]]:
        """Split rows into passes of bounded size, short sequences with short ones.

        Args:
            ends: i8 (n,) tokens of each row, prompt included.
            copies: how many branches each row is computed for.

        Yields:
            Rows i8 of one pass, filled up with repeats to the smallest size, and how many of them to keep.
        """
        # Sorted by length, because a pass is padded to its longest row; stable, so that equal rows always meet the same
        # neighbours. Sizes are powers of two times the smallest: kernels are chosen by shape, and few shapes are warm.
        order = np.argsort(ends, kind="stable")
        logits = LOGITS_PER_PASS // len(self.backbone.vocabulary.tokens)
        start = 0
        while start < len(order):
            self.check()
            most = SMALLEST_PASS
            while start + most < len(order):
                wider = most * 2
                span = int(ends[order[min(start + wider, len(order)) - 1]])
                if wider * span * copies > min(POSITIONS_PER_PASS, logits):
                    break
                most = wider
            rows = order[start : start + most]
            yield np.concatenate([rows, np.repeat(rows[-1:], max(0, SMALLEST_PASS - len(rows)))]), len(rows)
            start += most

    def upper(self, rows: Rows) -> Float[Tensor, "n T D"]:
        """Run the upper layers in the current layout; return the states that predict each token."""
        final = self._final(rows.hidden, masked=self.backbone.device.type == "cuda")
        return predictors(final, rows.position, rows.tokens.shape[1])

    def _final(self, hidden: Float[Tensor, "n L D"], *, masked: bool) -> Float[Tensor, "n L D"]:
        """Final states; a mask that is given spares a look at positions for which a GPU would have to be waited for."""
        span, mask = hidden.shape[1], None
        if masked and self.backbone.sees(span):
            mask = torch.ones(span, span, dtype=torch.bool, device=hidden.device).tril()[None, None]
        with scoring_attention(self.backbone.device):
            out = self.backbone.upper(inputs_embeds=hidden, attention_mask=mask, use_cache=False)
        final: Tensor = out.last_hidden_state
        return final

    def every_log_prob(
        self,
        *,
        hidden: Float[Tensor, "n L D"],
        tokens: Int64[Tensor, "n T"],
        rows: Int64[Tensor, "n T"],
        inside: Bool[Tensor, "n T"],
        position: int,
        allowed: Bool[Tensor, "R V"],
    ) -> Float[Tensor, "M n"]:
        """Return log-probabilities of n rows under all branches, with gradients; everything lies on the device.

        Args:
            hidden: trunk states; tokens: what was written; rows: mask row before each token.
            inside: which places lie before a row's end.
            position: place of the last prompt token, the same in all rows.
            allowed: the mask's table.
        """
        m, t = self.branches, tokens.shape[1]
        self.stack.layout.grouped()
        final = self._final(hidden.repeat(m, 1, 1), masked=True)
        states = final[:, position : position + t]
        found = head_log_prob(self.head, states, allowed, rows.repeat(m, 1), tokens.repeat(m, 1))
        return found.masked_fill(~inside.repeat(m, 1), 0.0).sum(-1).view(m, -1)

    def _score(self, rows: Rows, *, grammar: bool = True, values: bool = True) -> Float[Tensor, " n"]:
        """Sequence log-probabilities in the current layout.

        Without `values` only the gradient of the answer is to be used: the values are left zero.
        """
        return self._tokens(rows, grammar=grammar, values=values).sum(-1)

    def _tokens(self, rows: Rows, *, grammar: bool = True, values: bool = True) -> Float[Tensor, "n T"]:
        """Log-probabilities of tokens, 0 beyond the end, a few places at a time if the vocabulary is large."""
        device, t = self.backbone.device, rows.tokens.shape[1]
        states, tokens = self.upper(rows), upload(rows.tokens, device)
        inside = upload(np.arange(t) < rows.length[:, None], device)
        table = upload(rows.rows if grammar else np.zeros_like(rows.rows), device)

        def picked(at: slice) -> Float[Tensor, "n K"]:
            logits = self.head(states[:, at])
            return token_log_prob(logits, self.table.table()[table[:, at]], tokens[:, at])[0]

        if torch.is_grad_enabled():
            found = head_log_prob(self.head, states, self.table.table(), table, tokens, values=values)
        else:
            parts = blocks(rows.tokens.shape, len(self.backbone.vocabulary.tokens), LOGITS_PER_PASS)
            found = torch.cat([picked(p) for p in parts], 1)
        return found.masked_fill(~inside, 0.0)

    def token_log_prob(
        self, encoded: Encoded, index: Int64[np.ndarray, " n"], *, reference: bool = False
    ) -> Float[Tensor, "n T"]:
        """Return log-probabilities of the tokens of some completions under the only branch, 0 beyond their ends.

        Args:
            encoded: completions.
            index: which of them.
            reference: score under the reference instead, without gradient.

        Raises:
            ValueError: there are several branches.
        """
        if reference:
            self.stack.layout.reference()
            with torch.no_grad():
                return self._tokens(encoded.take(index))
        if self.branches != 1:
            raise ValueError(f"Expected one branch, got {self.branches}. Use branch_log_prob.")
        self.stack.layout.grouped()
        return self._tokens(encoded.take(index))

    @torch.no_grad()
    def reference_tokens(
        self, encoded: Encoded, index: Int64[np.ndarray, " n"]
    ) -> tuple[Float[Tensor, "n T"], Float[Tensor, "n T D"]]:
        """Return the reference's log-probability of each token, 0 beyond the end, and its state that predicts it.

        Args:
            encoded: completions.
            index: which of them.
        """
        # Prior adapters would be part of a branch's states; the reference's never change, so a head can rely on them.
        self.stack.layout.reference()
        rows = encoded.take(index)
        return self._tokens(rows), self.upper(rows)

    def branch_log_prob(
        self,
        encoded: Encoded,
        index: Int64[np.ndarray, " N"],
        wanted: Bool[np.ndarray, "m N"],
        *,
        branches: slice | None = None,
        values: bool = True,
    ) -> Float[Tensor, "m N"]:
        """Return log-probabilities under the branches, with gradients into the trainable blocks.

        Args:
            encoded: completions.
            index: which of them.
            wanted: which branch is asked about which of the N; elsewhere the answer is 0.
                A third of all bootstrap weights are 0 and need no computation.
            branches: the m branches that are asked, all of them unless given.
            values: False where only the gradient will be used, which costs less.
        """
        # Branches want different rows, but a pass takes equally many of each: as many as the branch that wants most. So
        # about a third less is computed than by asking every branch about every row.
        width = max(1, int(wanted.sum(1).max()))
        chosen = np.argsort(~wanted, axis=1, kind="stable")[:, :width]  # the wanted ones, filled up with others
        self.stack.layout.grouped(branches)
        found = self._score(encoded.take(index[chosen.ravel()]), values=values).view(chosen.shape)
        # Back to where the rows were asked for; what only filled up a branch's share is set to 0 and gets no gradient.
        known = upload(np.take_along_axis(wanted, chosen, 1), found.device)
        out = torch.zeros(wanted.shape, dtype=found.dtype, device=found.device)
        return out.scatter(1, upload(chosen, found.device), found.masked_fill(~known, 0.0))

    @torch.no_grad()
    def log_prob(self, encoded: Encoded, *, grammar: bool = True) -> LogProb:
        """Return log-probabilities under every branch and the reference.

        Args:
            encoded: N completions.
            grammar: False leaves the mask out of the density, as plain
                Hugging Face models compute it.
        """
        branches, reference = np.zeros((self.branches, len(encoded))), encoded.reference.copy()
        for rows, keep in self._passes(encoded.ends, self.branches):
            # The same rows once per branch, branch by branch: the states are shared, what lies above them is not.
            part = encoded.take(np.tile(rows, self.branches))
            self.stack.layout.grouped()
            found = self._score(part, grammar=grammar).view(self.branches, -1)
            branches[:, rows[:keep]] = found[:, :keep].cpu().numpy()
            if not grammar:
                self.stack.layout.reference()
                reference[rows[:keep]] = self._score(encoded.take(rows), grammar=False)[:keep].cpu().numpy()
        return LogProb(branches, reference)

    @torch.no_grad()
    def token_js(self, encoded: Encoded) -> float:
        """Return the mean Jensen-Shannon divergence of the branches' next-token distributions, nats, 0 to log M.

        The mean goes over every place inside the completions.
        """
        total, places = 0.0, 0
        for rows, keep in self._passes(encoded.ends, self.branches):
            part = encoded.take(rows)
            inside = np.arange(part.tokens.shape[1]) < part.length[:, None]
            inside[keep:] = False  # rows that only fill the pass up do not count
            where = torch.from_numpy(inside).to(self.backbone.device)
            self.stack.layout.grouped()
            states = self.upper(encoded.take(np.tile(rows, self.branches)))
            logits = self.head(states).view(self.branches, *inside.shape, -1)[:, where]
            allowed = self.table.table()[torch.from_numpy(part.rows[inside]).to(self.backbone.device)]
            total += float(divergence(masked_log_softmax(logits, allowed)).sum())
            places += int(inside.sum())
        return max(0.0, total / max(places, 1))
