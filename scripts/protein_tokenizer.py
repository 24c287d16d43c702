"""The character tokenizer of the protein backbone: 20 residues, <pad>, <bos>, <eos>.

It adds no special tokens by itself; an unknown character is an error, not a
silent stand-in.
"""

from __future__ import annotations

from protein_data import LETTERS
from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS, FIRST = 0, 1, 2, 3
"""Token ids; letter i of `LETTERS` has id FIRST + i."""
VOCABULARY = {"<pad>": PAD, "<bos>": BOS, "<eos>": EOS, **{a: FIRST + i for i, a in enumerate(LETTERS)}}


def build(longest: int) -> PreTrainedTokenizerFast:
    """Return the tokenizer; `longest` is the number of positions the model has."""
    core = Tokenizer(WordLevel(VOCABULARY))
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
