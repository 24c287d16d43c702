"""How a chat model answers prompts: what the policies of an experiment say.

Every row draws with keyed random numbers of its own. What it says depends on its prompt and its key, not on the batch
that it lies in (up to the rounding of batched products).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from poets_core.errors import InvalidModel, InvalidSpec
from poets_core.keyed import rng_for
from poets_core.lm.backbone import read_model
from poets_core.lm.draw import invert
from poets_core.lm.frozen import freeze_linears
from poets_core.lm.kv_cache import roomy_cache
from poets_core.lm.models import find_model
from poets_core.lm.sampling import FULL


def answer_prompts(
    model: Path | str,
    prompts: Sequence[str],
    *,
    temperature: float,
    top_p: float,
    max_tokens: int,
    seed: int,
    batch: int = 32,
    device: str = "cpu",
    stop: str = "",
    keys: Sequence[int | str] | None = None,
) -> list[str]:
    """Answer n prompts, each as the first message of a chat where the tokenizer has a chat template.

    The model stays loaded between calls. Equal prompts are answered once at temperature 0. The common beginning of the
    prompts of a batch is read once.

    Args:
        model: ``"smollm2"``, a local folder (safetensors), the path of a ``.gguf`` file, or a hub name.
        prompts: what is asked, (n,); several turns of a chat if they are marked, see `turns`.
        temperature: 0 takes the most probable token, otherwise logits are divided by it; 0..5.
        top_p: tokens are drawn from the fewest most probable ones that together have this probability; (0, 1].
        max_tokens: longest answer, tokens.
        seed: key of all randomness.
        batch: rows of one pass, 1 or more.
        device: ``"cpu"`` (float32) or ``"cuda"`` (bfloat16).
        stop: an answer ends before this text once it has begun; "" for the end token only.
        keys: (n,) key of each row's random numbers; its place in `prompts` unless given.

    Returns:
        The answers (n,), without special tokens and surrounding white space.

    Raises:
        InvalidSpec: a setting out of its range, or a prompt too long for the model.
        InvalidModel: the model is missing or unusable.
    """
    _check(temperature, top_p, max_tokens, batch)
    names = _names(prompts, keys)
    if not prompts:
        return []
    responder = load_responder(model, device)
    greedy = temperature == 0.0
    # At temperature 0 equal prompts have equal answers: one row is written for all of them.
    rows = list(dict.fromkeys(prompts)) if greedy else list(prompts)
    ids = [responder.prompt_ids(p) for p in rows]
    _check_room(responder, max(map(len, ids)) + max_tokens, model)
    said = [""] * len(rows)
    # Sorted by their tokens, so that neighbours begin alike: what a batch shares is read once for all of it.
    order = sorted(range(len(rows)), key=lambda i: ids[i])
    for start in range(0, len(order), batch):
        chunk = order[start : start + batch]
        uniforms = None
        if not greedy:
            uniforms = np.stack([rng_for(seed, "response", names[i]).random(max_tokens) for i in chunk])
        written = _Pass(responder, [ids[i] for i in chunk], stop).write(max_tokens, uniforms, temperature, top_p)
        for i, text in zip(chunk, written, strict=True):
            said[i] = text
    answer = dict(zip(rows, said, strict=True))
    return [answer[p] for p in prompts] if greedy else said


def _check(temperature: float, top_p: float, max_tokens: int, batch: int) -> None:
    if not 0.0 <= temperature <= 5.0 or not 0.0 < top_p <= 1.0 or max_tokens < 1 or batch < 1:
        raise InvalidSpec(
            "Expected temperature in 0..5, top_p in (0, 1], max_tokens and batch of at least 1, got "
            f"{temperature}, {top_p}, {max_tokens} and {batch}."
        )


def _names(prompts: Sequence[str], keys: Sequence[int | str] | None) -> Sequence[int | str]:
    names: Sequence[int | str] = range(len(prompts)) if keys is None else keys
    if len(names) != len(prompts):
        raise InvalidSpec(f"Expected a key for each of {len(prompts)} prompts, got {len(names)} keys.")
    return names


def _check_room(responder: Responder, longest: int, model: Path | str) -> None:
    if responder.longest is not None and longest > responder.longest:
        raise InvalidSpec(
            f"Expected prompt and answer of at most {responder.longest} tokens for {model}, got {longest}. "
            "Shorten the prompt."
        )


def turns(prompt: str) -> list[dict[str, str]]:
    """Return a prompt as the turns of a chat.

    A line that holds nothing but ``<user>`` or ``<assistant>`` begins a turn of that role; before the first such line
    the user speaks. So examples can be shown as earlier turns, and a last turn of the assistant begins the answer.

    Returns:
        Messages as chat templates take them, ``{"role": ..., "content": ...}``.

    Raises:
        InvalidSpec: turns that do not change between user and assistant.
    """
    first, *others = re.split(r"^<(user|assistant)>$", prompt, flags=re.MULTILINE)
    told = [*([("user", first)] if first.strip() or not others else []), *zip(others[::2], others[1::2], strict=True)]
    roles = [role for role, _ in told]
    if roles != [("user", "assistant")[i % 2] for i in range(len(roles))]:
        raise InvalidSpec(f"Expected turns of user and assistant one after the other, the user first, got {roles}.")
    return [{"role": role, "content": content.strip("\n") if others else content} for role, content in told]


class Responder:
    """A loaded model with its tokenizer, frozen.

    Attributes:
        model, tokenizer: as transformers loads them.
        ends: token ids that end an answer.
        longest: most tokens of prompt and answer together; None if the model does not say.
    """

    def __init__(self, model: Any, tokenizer: Any, device: str = "cpu") -> None:
        model.eval().requires_grad_(False)
        model.to(device=device, dtype=torch.bfloat16 if device == "cuda" else torch.float32)
        freeze_linears(model)
        self.model, self.tokenizer, self.device = model, tokenizer, torch.device(device)
        # Chat models state several end tokens, of a turn and of a text; the tokenizer knows one of them.
        stated = getattr(model.generation_config, "eos_token_id", None)
        ends = stated if isinstance(stated, list) else [stated]
        self.ends = frozenset(int(i) for i in (*ends, tokenizer.eos_token_id) if i is not None)
        if not self.ends:
            raise InvalidModel("Expected a model with an end token, got one without. Choose another model.")
        self.longest: int | None = getattr(model.config, "max_position_embeddings", None)

    def prompt_ids(self, prompt: str) -> list[int]:
        """Return the token ids that precede an answer; never empty."""
        chat = turns(prompt)
        if self.tokenizer.chat_template:
            begun = chat[-1]["role"] == "assistant"  # the answer has been begun; the model goes on with it
            how = {"continue_final_message": True} if begun else {"add_generation_prompt": True}
            text = self.tokenizer.apply_chat_template(chat, tokenize=False, **how)
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            ids = self.tokenizer("\n".join(turn["content"] for turn in chat))["input_ids"]
        first = self.tokenizer.bos_token_id
        return [int(i) for i in ids] or [min(self.ends) if first is None else int(first)]


@lru_cache(maxsize=1)
def load_responder(source: Path | str, device: str = "cpu") -> Responder:
    """Load a model that answers prompts, or return the one that was loaded last.

    Args:
        source: see `answer_prompts`.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        InvalidModel: missing, unreadable or of an unsupported kind.
    """
    return Responder(*read_model(find_model(source)), device)


class _Pass:
    """One batch being written; prompts are padded on the left, behind the beginning that they share."""

    def __init__(self, responder: Responder, prompts: list[list[int]], stop: str) -> None:
        self.responder, self.prompts, self.stop = responder, prompts, stop
        self.cache = roomy_cache()

    @torch.no_grad()
    def write(
        self, max_tokens: int, uniforms: Float64[np.ndarray, "n T"] | None, temperature: float, top_p: float
    ) -> list[str]:
        """Write all rows; `uniforms` draw the tokens, None takes the most probable ones."""
        tokens: list[list[int]] = [[] for _ in self.prompts]
        texts = [""] * len(self.prompts)
        present, writing = np.arange(len(self.prompts)), np.ones(len(self.prompts), dtype=np.bool_)
        logits = self._read_prompts()
        filler = min(self.responder.ends)
        for t in range(max_tokens):
            if uniforms is None:
                drawn = logits.argmax(-1)
            else:
                u = torch.from_numpy(uniforms[present, t]).to(logits.device)
                log_p = nucleus(torch.log_softmax(logits.double() / temperature, dim=-1), top_p)
                drawn = invert(log_p, u, torch.ones_like(u))
            # Rows that have ended go on reading a filler until enough of them can leave: leaving copies the cache.
            fed = np.where(writing, drawn.cpu().numpy(), filler)
            for place in np.flatnonzero(writing).tolist():
                row, token = int(present[place]), int(fed[place])
                writing[place] = token not in self.responder.ends
                if writing[place]:
                    tokens[row].append(token)
                    texts[row], writing[place] = self._text(tokens[row])
            if not writing.any() or t + 1 == max_tokens:
                break
            if writing.mean() < FULL:
                self._keep(writing)
                present, fed, writing = present[writing], fed[writing], writing[writing]
            logits = self._forward(fed[:, None])
        return [text.strip() for text in texts]

    def _text(self, tokens: list[int]) -> tuple[str, bool]:
        """What the tokens say, and whether the answer goes on."""
        text = str(self.responder.tokenizer.decode(tokens, skip_special_tokens=True)).lstrip()
        if self.stop and self.stop in text:
            return text[: text.index(self.stop)], False
        return text, True

    def _read_prompts(self) -> Float[Tensor, "n V"]:
        """Read the prompts; return logits of the first token."""
        shortest = min(map(len, self.prompts))
        # What the first and the last in order share, all between them share. One token at least is left to each row:
        # its logits are what is asked for.
        first, last = min(self.prompts), max(self.prompts)
        shared = next((k for k in range(shortest - 1) if first[k] != last[k]), shortest - 1)
        longest = max(map(len, self.prompts))
        self.padding = np.array([longest - len(p) for p in self.prompts])
        self.shared, self.seen = shared, 0
        if shared:
            # Read as one row, then copied to all rows: the same numbers as if each had read it.
            padding, self.padding = self.padding, np.zeros(1, dtype=np.int64)
            self._forward(np.array([first[:shared]]))
            self.cache.batch_repeat_interleave(len(self.prompts))
            self.padding = padding
        filler = min(self.responder.ends)
        rows = [[filler] * pad + p[shared:] for pad, p in zip(self.padding.tolist(), self.prompts, strict=True)]
        return self._forward(np.array(rows))

    def _forward(self, ids: Int64[np.ndarray, "n k"]) -> Float[Tensor, "n V"]:
        """Read some tokens per row; return logits of the next."""
        columns = np.arange(self.seen, self.seen + ids.shape[1])
        self.seen += ids.shape[1]
        # Columns: first what is shared, then padding, then each row's own tokens. Positions leave the padding out.
        beyond = columns[None, :] >= self.shared
        positions = np.where(beyond, np.maximum(columns[None, :] - self.padding[:, None], 0), columns[None, :])
        attention = None
        if self.padding.any():
            place = np.arange(self.seen)[None, :]
            real = (place < self.shared) | (place >= self.shared + self.padding[:, None])
            attention = torch.from_numpy(real.astype(np.int64)).to(self.responder.device)
        out = self.responder.model(
            input_ids=torch.from_numpy(ids).to(self.responder.device),
            position_ids=torch.from_numpy(positions).to(self.responder.device),
            attention_mask=attention,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = out.logits[:, -1]
        return logits

    def _keep(self, going: Any) -> None:
        """Drop ended rows."""
        self.cache.batch_select_indices(torch.from_numpy(np.flatnonzero(going)).to(self.responder.device))
        self.padding = self.padding[going]


def nucleus(log_p: Float[Tensor, "n V"], top_p: float) -> Float[Tensor, "n V"]:
    """Exclude tokens outside the smallest most probable set whose probability reaches top_p.

    Args:
        log_p: log-probabilities, nats.
        top_p: (0, 1]; 1 excludes nothing.

    Returns:
        Log-probabilities, not normalised; excluded tokens at minus infinity.
    """
    if top_p >= 1.0:
        return log_p
    # A token stays if those before it do not reach top_p yet: the one that crosses the threshold is the last to stay.
    p, order = log_p.exp().sort(dim=-1, descending=True, stable=True)
    outside = p.cumsum(-1) - p >= top_p
    return log_p.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), -torch.inf)
