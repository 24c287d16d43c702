"""The tokenizer of small models that read one character at a time: <pad>, <bos>, <eos>, then letters.

It adds no special tokens by itself; an unknown character is an error, not a silent stand-in.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS, FIRST = 0, 1, 2, 3
"""Token ids; letter i has id FIRST + i."""


def characters(letters: Sequence[str], longest: int) -> PreTrainedTokenizerFast:
    """Return the tokenizer of some letters; `longest` is the number of positions the model has."""
    specials = {"<pad>": PAD, "<bos>": BOS, "<eos>": EOS}
    core = Tokenizer(WordLevel({**specials, **{a: FIRST + i for i, a in enumerate(letters)}}))
    core.pre_tokenizer = Split(Regex("."), behavior="isolated")
    core.decoder = Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        model_max_length=longest,
        clean_up_tokenization_spaces=False,
    )
