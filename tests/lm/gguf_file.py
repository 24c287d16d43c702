"""A tiny Llama model as a GGUF file, written weight by weight; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

WIDTH, HIDDEN, LAYERS, HEADS = 32, 64, 2, 2
TOKENS = ["<unk>", "<s>", "</s>", *"ACDEFGHIKLMNPQRSTVWY", "AC"]


def write_gguf(path: Path, *, tied: bool, seed: int = 0) -> Path:
    """Write a random model; its head is the table of embeddings where `tied`, as llama.cpp writes such models."""
    rng = np.random.default_rng(seed)
    out = GGUFWriter(path, "llama")
    out.add_context_length(64)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(HIDDEN)
    out.add_head_count(HEADS)
    out.add_head_count_kv(1)
    out.add_layer_norm_rms_eps(1e-6)
    out.add_rope_freq_base(10_000.0)
    out.add_vocab_size(len(TOKENS))
    out.add_tokenizer_model("gpt2")
    out.add_token_list(TOKENS)
    out.add_token_merges(["A C"])
    out.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))  # 3: control, 1: normal
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    shapes = {"token_embd": (len(TOKENS), WIDTH), "output_norm": (WIDTH,)}
    if not tied:
        shapes["output"] = (len(TOKENS), WIDTH)
    for i in range(LAYERS):
        shapes |= {f"blk.{i}.{norm}": (WIDTH,) for norm in ("attn_norm", "ffn_norm")}
        shapes |= {f"blk.{i}.attn_{part}": (WIDTH, WIDTH) for part in ("q", "output")}
        shapes |= {f"blk.{i}.attn_{part}": (WIDTH // HEADS, WIDTH) for part in "kv"}
        shapes |= {f"blk.{i}.ffn_{part}": (HIDDEN, WIDTH) for part in ("gate", "up")}
        shapes[f"blk.{i}.ffn_down"] = (WIDTH, HIDDEN)
    for name, shape in shapes.items():
        out.add_tensor(f"{name}.weight", (0.3 * rng.standard_normal(shape)).astype(np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path
