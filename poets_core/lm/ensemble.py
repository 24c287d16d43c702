"""M policies as branches of one frozen backbone.

A branch is the backbone plus one LoRA adapter on every linear layer from the
branch point upwards and on the head. The backbone alone is the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from poets_core.errors import InvalidModel
from poets_core.lm.backbone import FAMILIES, Backbone
from poets_core.lm.grammar import LengthLimit, MaskTable
from poets_core.lm.likelihood import Encoded, LogProb, divergence, masked_log_softmax, predictors, sequence_log_prob
from poets_core.lm.lora import AdapterShape, Stack, StackedLoRALinear, install
from poets_core.lm.sampling import Samples, sample_rows
from poets_core.problem import TokenMask
from poets_core.types import F8, I8

# Fewer rows than this and matrix kernels round differently, which would make
# the log-ratio of equal policies a rounding error instead of zero.
SMALLEST_PASS = 16
# More positions than this and activations leave the processor's cache; more
# logits and a large vocabulary would exhaust memory.
POSITIONS_PER_PASS = 8_192
LOGITS_PER_PASS = 64_000_000


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
    ) -> None:
        """Install the adapters into the backbone (which belongs to this ensemble from now on).

        Args:
            backbone: frozen model, cut at the branch point.
            shape: number of branches and ranks.
            prompts: texts that completions follow; one is usual.
            mask: the problem's grammar, or None for any text.
            max_tokens: longest completion where there is no grammar, end token included.
            seed: key of the adapters' random blocks.

        Raises:
            InvalidModel: sequences can be longer than the model reads.
        """
        self.backbone = backbone
        self.shape = shape
        self.prompt_ids = [backbone.prompt_ids(p) for p in prompts]
        grammar: TokenMask = mask if mask is not None else LengthLimit(backbone.vocabulary, max_tokens)
        longest = max(len(ids) for ids in self.prompt_ids) + grammar.max_tokens - 1
        room = int(backbone.model.config.max_position_embeddings)
        if longest > room:
            raise InvalidModel(
                f"Expected a backbone that reads {longest} tokens (prompt and completion), got {backbone.source} with "
                f"{room} positions. Shorten the designs or choose another backbone."
            )
        self.table = MaskTable(grammar, len(backbone.vocabulary.tokens), backbone.device)
        self.stack: Stack = install(self._upper_layers(), shape, seed=seed)
        head_path = next(n for n, m in backbone.model.named_modules() if m is backbone.head)
        self.head = StackedLoRALinear(backbone.head, shape, self.stack.layout, seed=seed, name=head_path)
        self.stack.layers[head_path] = self.head.to(backbone.device)

    def _upper_layers(self) -> dict[str, nn.Module]:
        config, model = self.backbone.model.config, self.backbone.model
        prefix = f"{model.base_model_prefix}.{FAMILIES[config.model_type][0]}"
        layers = model.get_submodule(prefix)
        return {f"{prefix}.{i}": layers[i] for i in range(self.backbone.branch_from, len(layers))}

    @property
    def branches(self) -> int:
        """M."""
        return self.shape.branches

    def parameters(self) -> list[nn.Parameter]:
        """Trainable tensors, each (M, ...), in a stable order."""
        return self.stack.parameters()

    def sample(self, branch: I8, prompt: I8, *, uniforms: F8, temperature: float | F8 = 1.0) -> Samples:
        """Draw one completion per row.

        Args:
            branch: i8 (n,) branch of each row, -1 for the reference.
            prompt: i8 (n,) prompt of each row.
            uniforms: f8 (n, T) keyed random numbers, one per token; T bounds the length.
            temperature: one number or (n,); the density stays the one at temperature 1,
                which `Samples.log_prob` reports.
        """
        return sample_rows(self, branch, prompt, uniforms, np.broadcast_to(np.float64(temperature), branch.shape))

    @torch.no_grad()
    def encode(self, completions: Sequence[Sequence[int]], prompt: I8) -> Encoded:
        """Run the trunk once over N completions and score them under the reference.

        Args:
            completions: (N,) token ids, the end token included.
            prompt: i8 (N,) prompt of each.
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
        hidden = torch.zeros(len(ids), span, self.backbone.model.config.hidden_size, device=self.backbone.device)
        for rows, keep in self._passes(ends):
            width = int(ends[rows].max())
            hidden[torch.from_numpy(rows[:keep]), :width] = self._trunk(ids[rows, :width])[:keep]
        bare = Encoded(tokens, length, prompt, position, self.table.walk(tokens, length), hidden, np.zeros(len(tokens)))
        self.stack.layout.reference()
        reference = np.zeros(len(tokens))
        for rows, keep in self._passes(ends):
            reference[rows[:keep]] = self._score(bare.take(rows))[0, :keep].cpu().numpy()
        return replace(bare, reference=reference)

    def _trunk(self, ids: I8) -> Tensor:
        x = torch.from_numpy(ids).to(self.backbone.device)
        out: Tensor = self.backbone.trunk(input_ids=x, use_cache=False).last_hidden_state
        return out

    def _passes(self, ends: I8, copies: int = 1) -> Iterator[tuple[I8, int]]:
        """Split rows into passes of bounded size, short sequences with short ones.

        Args:
            ends: i8 (n,) tokens of each row, prompt included.
            copies: how many branches each row is computed for.

        Yields:
            rows i8 of one pass, filled up with repeats to the smallest size,
            and how many of them to keep.
        """
        order = np.argsort(ends, kind="stable")
        logits = LOGITS_PER_PASS // len(self.backbone.vocabulary.tokens)
        start = 0
        while start < len(order):
            most = SMALLEST_PASS  # as many rows as their longest allows
            while start + most < len(order):
                wider = most * 2
                span = int(ends[order[min(start + wider, len(order)) - 1]])
                if wider * span * copies > min(POSITIONS_PER_PASS, logits):
                    break
                most = wider
            rows = order[start : start + most]
            yield np.concatenate([rows, np.repeat(rows[-1:], max(0, SMALLEST_PASS - len(rows)))]), len(rows)
            start += most

    def _logits(self, encoded: Encoded, *, grammar: bool) -> tuple[Float[Tensor, "G N T V"], Bool[Tensor, "N T V"]]:
        """Upper layers and head in the current layout: G = M, or 1 for the reference; and the mask."""
        groups = self.branches if self.stack.layout.active else 1
        device, (n, t) = self.backbone.device, encoded.tokens.shape
        hidden = encoded.hidden.repeat(groups, 1, 1)
        final = self.backbone.upper(inputs_embeds=hidden, use_cache=False).last_hidden_state
        states = predictors(final, np.tile(encoded.position, groups), t)
        logits = self.head(states).view(groups, n, t, -1)
        rows = encoded.rows if grammar else np.zeros_like(encoded.rows)
        return logits, self.table.table()[torch.from_numpy(rows).to(device)]

    def _score(self, encoded: Encoded, *, grammar: bool = True) -> Float[Tensor, "G N"]:
        """Sequence log-probabilities in the current layout."""
        logits, allowed = self._logits(encoded, grammar=grammar)
        device = self.backbone.device
        return sequence_log_prob(
            logits, allowed, torch.from_numpy(encoded.tokens).to(device), torch.from_numpy(encoded.length).to(device)
        )

    def branch_log_prob(self, encoded: Encoded) -> Float[Tensor, "M N"]:
        """Log-probabilities under every branch, with gradients into the trainable blocks."""
        self.stack.layout.grouped()
        return self._score(encoded)

    @torch.no_grad()
    def log_prob(self, encoded: Encoded, *, grammar: bool = True) -> LogProb:
        """Log-probabilities under every branch and the reference.

        Args:
            encoded: N completions.
            grammar: False leaves the mask out of the density, as plain
                Hugging Face models compute it.
        """
        branches, reference = np.zeros((self.branches, len(encoded))), encoded.reference.copy()
        for rows, keep in self._passes(encoded.position + encoded.length, self.branches):
            part = encoded.take(rows)
            self.stack.layout.grouped()
            branches[:, rows[:keep]] = self._score(part, grammar=grammar)[:, :keep].cpu().numpy()
            if not grammar:
                self.stack.layout.reference()
                reference[rows[:keep]] = self._score(part, grammar=False)[0, :keep].cpu().numpy()
        return LogProb(branches, reference)

    @torch.no_grad()
    def token_js(self, encoded: Encoded) -> float:
        """Mean Jensen-Shannon divergence of the branches' next-token distributions, nats.

        The mean goes over every place inside the completions; it lies between 0 and log M.
        """
        total, places = 0.0, 0
        for rows, keep in self._passes(encoded.position + encoded.length, self.branches):
            part = encoded.take(rows)
            self.stack.layout.grouped()
            logits, allowed = self._logits(part, grammar=True)
            inside = np.arange(part.tokens.shape[1]) < part.length[:, None]
            inside[keep:] = False
            log_p = masked_log_softmax(logits, allowed)[:, torch.from_numpy(inside)]
            total += float(divergence(log_p).sum())
            places += int(inside.sum())
        return max(0.0, total / max(places, 1))
