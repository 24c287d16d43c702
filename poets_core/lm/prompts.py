"""How a prompt becomes token ids: as it is, or as the first message of a chat. No torch is needed.

No code of a model's repository is run; chat templates are rendered by transformers in its sandbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from poets_core.errors import InvalidModel, InvalidSpec
from poets_core.intake import shown
from poets_core.lm.files import CONFIG, check_model, read_config

Template = Literal["plain", "chat"]
POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx")
"""Keys of a configuration that say how many tokens a model reads."""


def text_ids(tokenizer: Any, text: str, *, source: str) -> list[int]:
    """Return the token ids of a text, without special tokens around it.

    Raises:
        InvalidModel: the tokenizer has no token for a part of it, not even one for what it does not know.
    """
    try:
        return [int(i) for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
    except Exception as error:  # tokenizers raise Exception itself, with the name of their algorithm
        raise InvalidModel(
            f"Expected a model that knows the words of {shown(text)}, got {source}, which does not ({error}). "
            "Leave the text out, or choose another model."
        ) from error


def plain_ids(tokenizer: Any, prompt: str, *, eos: int, source: str) -> list[int]:
    """Return the token ids that precede an answer; never empty.

    The beginning-of-sequence token where the tokenizer has one, then the prompt; without either, the end token, as
    GPT-2's family is trained.

    Args:
        tokenizer: as transformers loads it.
        prompt: as it is.
        eos: id of the end token.
        source: of the model, for the message.

    Raises:
        InvalidModel: a word that the tokenizer does not know.
    """
    bos = tokenizer.bos_token_id
    # The model was trained with the special token in front; without any token there would be nothing to predict from.
    ids = [] if bos is None else [int(bos)]
    ids += text_ids(tokenizer, prompt, source=source) if prompt else []
    if bos is not None and ids[1:2] == [bos]:  # a prompt that spells the special token out, as ProtGPT2's does
        ids = ids[1:]
    # A word that the tokenizer does not know would be read as the unknown token, silently the same for all of them.
    unknown = tokenizer.unk_token_id
    if unknown is not None and unknown != bos and unknown in ids:
        raise InvalidModel(
            f"Expected a backbone that knows the words of the prompt {prompt!r}, got {source}, which does "
            "not. Choose the problem's own backbone, or 'library'."
        )
    return ids or [eos]


def chat_ids(tokenizer: Any, prompt: str, *, source: str) -> list[int]:
    """Return the token ids of a prompt as the first message of a chat, up to where the answer begins.

    Raises:
        InvalidSpec: the tokenizer has no chat template, or its template cannot be used.
    """
    if not tokenizer.chat_template:
        raise InvalidSpec(
            f"Expected a model with a chat template, got {source}, whose tokenizer has none. Choose prompts as they "
            "are (backbone.template 'plain'), or a model that was trained to chat.",
            field="backbone.template",
        )
    try:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
    except Exception as error:  # a template is a program of anybody
        raise InvalidSpec(
            f"Expected a chat template that takes one message of a user in {source}, got {type(error).__name__}: "
            f"{str(error)[:200]}. Choose prompts as they are (backbone.template 'plain').",
            field="backbone.template",
        ) from error
    # The template has written the special tokens itself.
    return text_ids(tokenizer, text, source=source)


def ids_of(tokenizer: Any, prompts: Sequence[str], template: Template, *, eos: int, source: str) -> list[list[int]]:
    """Return the token ids of prompts; raises like `plain_ids` and `chat_ids`."""
    if template == "chat":
        return [chat_ids(tokenizer, prompt, source=source) for prompt in prompts]
    return [plain_ids(tokenizer, prompt, eos=eos, source=source) for prompt in prompts]


def require_room(prompts: Sequence[str], ids: Sequence[Sequence[int]], tokens: int, room: int, source: str) -> int:
    """Refuse prompts that leave no room for an answer; return the tokens of the longest one.

    Args:
        prompts: their texts, for the message; ids: their tokens.
        tokens: of the longest answer, its end included.
        room: tokens that the model reads.
        source: of the model.

    Raises:
        InvalidSpec: the longest prompt with the longest answer does not fit.
    """
    # The longest prompt decides, and is shown: it is most often the one with a mistake in it.
    at = max(range(len(ids)), key=lambda k: len(ids[k]))
    longest = len(ids[at])
    # The last token is predicted and never read.
    if longest + tokens - 1 > room:
        over = sum(len(x) + tokens - 1 > room for x in ids)
        raise InvalidSpec(
            f"Expected prompts that leave room for an answer of {tokens} tokens in the {room:,} tokens that {source} "
            f"reads, got {over:,} that do not, the longest of {longest:,} tokens: {shown(prompts[at])}. Shorten or "
            "leave out such prompts, lower rewards.max_tokens, or choose a model that reads more.",
            field="rewards.max_tokens",
        )
    return longest


def read_tokenizer(folder: Path) -> tuple[Any, int | None]:
    """Read the tokenizer of a model on this machine, without its weights.

    Args:
        folder: of the model.

    Returns:
        the tokenizer, and how many tokens the model reads; None where its configuration does not say.

    Raises:
        InvalidModel: unsafe or unreadable, or a tokenizer without an end token.
    """
    check_model(folder)
    from transformers import AutoTokenizer

    # From the folder alone: a name that is misspelt must not be looked for elsewhere.
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except Exception as error:  # third-party parsers of untrusted files raise whatever they meet
        raise InvalidModel(f"Expected a tokenizer in {folder.name}, got {error}. Check the folder.") from error
    if tokenizer.eos_token_id is None:
        raise InvalidModel(f"Expected a tokenizer with an end token in {folder.name}, got one without.")
    # Families call it differently; rotary models state it without having a table of that length.
    config = read_config(folder / CONFIG)
    room = next((int(config[k]) for k in POSITIONS if isinstance(config.get(k), int)), None)
    return tokenizer, room
