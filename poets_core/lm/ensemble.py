"""M policies as branches of one frozen backbone.

A branch is the backbone plus one LoRA adapter on every linear layer from the
branch point upwards and on the head. The backbone alone is the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from poets_core.lm.backbone import FAMILIES, Backbone
from poets_core.lm.grammar import LengthLimit, MaskTable
from poets_core.lm.likelihood import Encoded, LogProb, masked_log_softmax, predictors, sequence_log_prob
from poets_core.lm.lora import AdapterShape, Stack, StackedLoRALinear, install
from poets_core.lm.sampling import Samples, sample_rows
from poets_core.problem import TokenMask
from poets_core.types import F8, I8

# Fewer rows than this and matrix kernels round differently, which would make
# the log-ratio of equal policies a rounding error instead of zero.
SMALLEST_PASS = 16
POSITIONS_PER_PASS = 32_768


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
        """
        self.backbone = backbone
        self.shape = shape
        self.prompt_ids = [backbone.prompt_ids(p) for p in prompts]
        grammar: TokenMask = mask if mask is not None else LengthLimit(backbone.vocabulary, max_tokens)
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
        hidden = [self._trunk(ids[rows])[:keep] for rows, keep in self._passes(len(ids), span)]
        width = self.backbone.model.config.hidden_size
        joined = torch.cat(hidden) if hidden else torch.zeros(0, span, width, device=self.backbone.device)
        rows = self.table.walk(tokens, length)
        bare = Encoded(tokens, length, prompt, position, rows, joined, np.zeros(len(tokens)))
        self.stack.layout.reference()
        parts = [self._score(bare.take(r))[0, :keep].cpu().numpy() for r, keep in self._passes(len(ids), span)]
        return Encoded(tokens, length, prompt, position, rows, joined, np.concatenate(parts) if parts else np.zeros(0))

    def _trunk(self, ids: I8) -> Tensor:
        x = torch.from_numpy(ids).to(self.backbone.device)
        out: Tensor = self.backbone.trunk(input_ids=x, use_cache=False).last_hidden_state
        return out

    def _passes(self, n: int, span: int, copies: int = 1) -> Iterator[tuple[I8, int]]:
        """Split n rows into passes of bounded size; short ones are filled up with repeats.

        Yields:
            rows i8 of one pass, and how many of them to keep.
        """
        most = max(SMALLEST_PASS, POSITIONS_PER_PASS // max(1, span * copies))
        for start in range(0, n, most):
            rows = np.arange(start, min(start + most, n))
            yield np.concatenate([rows, np.repeat(rows[-1:], max(0, SMALLEST_PASS - len(rows)))]), len(rows)

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
        n, span = len(encoded), encoded.hidden.shape[1]
        branches, reference = np.zeros((self.branches, n)), encoded.reference.copy()
        start = 0
        for rows, keep in self._passes(n, span, self.branches):
            part = encoded.take(rows)
            self.stack.layout.grouped()
            branches[:, start : start + keep] = self._score(part, grammar=grammar)[:, :keep].cpu().numpy()
            if not grammar:
                self.stack.layout.reference()
                reference[start : start + keep] = self._score(part, grammar=False)[0, :keep].cpu().numpy()
            start += keep
        return LogProb(branches, reference)

    @torch.no_grad()
    def token_log_prob(self, encoded: Encoded) -> F8:
        """Next-token log-probabilities of every branch at every place inside the completions.

        Returns:
            f8 (M, contexts, V), -inf where the grammar allows no token.
        """
        parts = []
        for rows, keep in self._passes(len(encoded), encoded.hidden.shape[1], self.branches):
            part = encoded.take(rows)
            self.stack.layout.grouped()
            logits, allowed = self._logits(part, grammar=True)
            inside = np.arange(part.tokens.shape[1]) < part.length[:, None]
            inside[keep:] = False
            parts.append(masked_log_softmax(logits, allowed)[:, torch.from_numpy(inside)].double().cpu().numpy())
        return np.concatenate(parts, axis=1)
