"""The families of language models whose layers can be cut and branched."""

from __future__ import annotations

# Where each family keeps its layers, its final norm and, where they are added to the embeddings rather than rotated
# in, its positions.
FAMILIES: dict[str, tuple[str, str, str | None]] = {
    "llama": ("layers", "norm", None),
    "mistral": ("layers", "norm", None),
    "qwen2": ("layers", "norm", None),
    "qwen3": ("layers", "norm", None),
    "gpt2": ("h", "ln_f", "wpe"),
}
