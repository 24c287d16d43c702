"""How completions are scored: log-probabilities under the one density that sampling draws from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int, Int64
from torch import Tensor

from poets_core.lm.kernels import upload
from poets_core.lm.states import TrunkStates
from poets_core.types import I8


@dataclass(frozen=True)
class LogProb:
    """Sequence log-probabilities in nats.

    Attributes:
        branches: under each branch.
        reference: under the backbone without a branch.
    """

    branches: Float64[np.ndarray, "M N"]
    reference: Float64[np.ndarray, " N"]


@dataclass(frozen=True)
class Encoded:
    """N completions ready to be scored again and again.

    The trunk below the branch point is the same for every branch and never
    trained, so its output is computed once and kept here.

    Attributes:
        tokens: completion tokens, padded with the end token.
        length: tokens of each completion.
        prompt: index of its prompt.
        position: place of the last prompt token; the state there predicts token 0.
        rows: row of the mask table before each token.
        states: trunk output of prompt + completion without its last token.
        reference: log-probability under the frozen backbone, nats.
    """

    tokens: Int64[np.ndarray, "N T"]
    length: Int64[np.ndarray, " N"]
    prompt: Int64[np.ndarray, " N"]
    position: Int64[np.ndarray, " N"]
    rows: Int64[np.ndarray, "N T"]
    states: TrunkStates
    reference: Float64[np.ndarray, " N"]

    def __len__(self) -> int:
        return len(self.length)

    @property
    def ends(self) -> Int64[np.ndarray, " N"]:
        """Tokens the model reads of each, prompt included."""
        # The last token is predicted and never read, which makes up for `position` counting from 0.
        return np.asarray(self.position + self.length)

    def take(self, index: Int64[np.ndarray, " n"]) -> Rows:
        """Return the chosen sequences, trimmed to the longest of them."""
        length, position = self.length[index], self.position[index]
        t, span = int(length.max(initial=1)), int(self.ends[index].max(initial=1))
        hidden = self.states.take(index, span)
        return Rows(self.tokens[index, :t], length, position, self.rows[index, :t], hidden)

    def append(self, other: Encoded, *, pad: int) -> Encoded:
        """Return both; the states of the other are added to these, shorter rows are padded with the token `pad`."""
        t = max(self.tokens.shape[1], other.tokens.shape[1])

        # States are blocks and stay where they are; everything else is small and is copied.
        def both(a: I8, b: I8, fill: int) -> I8:
            return np.concatenate([np.pad(x, ((0, 0), (0, t - x.shape[1])), constant_values=fill) for x in (a, b)])

        return Encoded(
            both(self.tokens, other.tokens, pad),
            np.concatenate([self.length, other.length]),
            np.concatenate([self.prompt, other.prompt]),
            np.concatenate([self.position, other.position]),
            both(self.rows, other.rows, 0),
            self.states.extend(other.states),
            np.concatenate([self.reference, other.reference]),
        )


@dataclass(frozen=True)
class Rows:
    """Some completions as one pass of the upper layers needs them.

    Attributes:
        tokens, length, position, rows: as in `Encoded`.
        hidden: their trunk states.
    """

    tokens: Int64[np.ndarray, "n T"]
    length: Int64[np.ndarray, " n"]
    position: Int64[np.ndarray, " n"]
    rows: Int64[np.ndarray, "n T"]
    hidden: Float[Tensor, "n L D"]


def masked_log_softmax(logits: Float[Tensor, "... V"], allowed: Bool[Tensor, "... V"]) -> Float[Tensor, "... V"]:
    """Log-softmax in float32 over the allowed tokens; -inf elsewhere."""
    return torch.log_softmax(logits.float().masked_fill(~allowed, -torch.inf), dim=-1)


def predictors(hidden: Float[Tensor, "N L D"], position: Int64[np.ndarray, " N"], t: int) -> Float[Tensor, "N T D"]:
    """Pick the states that predict completion tokens 0 .. t - 1; past the end the last one repeats.

    Args:
        hidden: states of prompt and completion.
        position: place of the last prompt token.
        t: T, how many tokens are predicted.
    """
    if (position == position[0]).all():  # prompts of one length: nothing to gather
        return hidden[:, position[0] : position[0] + t]
    at = np.minimum(position[:, None] + np.arange(t), hidden.shape[1] - 1)
    index = upload(at, hidden.device)
    return hidden.gather(1, index[:, :, None].expand(-1, -1, hidden.shape[2]))


def token_log_prob(
    logits: Float[Tensor, "N T V"], allowed: Bool[Tensor, "N T V"], tokens: Int[Tensor, "N T"]
) -> tuple[Float[Tensor, "N T"], Float[Tensor, "N T V"]]:
    """Return log-probabilities of the given tokens, float64, and the softmax, float32, without gradients.

    Equal to picking from `masked_log_softmax`. The softmax is written into the memory of `logits` if these are float32.

    Args:
        logits: of every token at each place.
        allowed: what the grammar allows there.
        tokens: which token stands there.
    """
    # Softmax in float32 as models are trained, sums over a sequence in float64: a hundred tokens later the ratio of two
    # policies is a small difference of large sums.
    x = logits.float().masked_fill_(~allowed, -torch.inf)
    own, largest = x.gather(-1, tokens[..., None])[..., 0], x.amax(-1)
    p = torch.softmax(x, -1, out=x)
    # The largest probability never vanishes, and a log-sum of exponentials takes five times as long.
    return (own - largest + p.amax(-1).log()).double(), p


def divergence(log_p: Float[Tensor, "M K V"]) -> Float[Tensor, " K"]:
    """Return the Jensen-Shannon divergence of M distributions at each of K places, nats; -inf is probability 0."""
    # Entropy of the mixture minus mean entropy; `entr` knows that 0 log 0 is 0.
    p = log_p.double().exp()
    mixture = p.mean(0)
    out: Tensor = torch.special.entr(mixture).sum(-1) - torch.special.entr(p).sum(-1).mean(0)
    return out
