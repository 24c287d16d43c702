"""A model's files, checked by arithmetic before a library reads them: nothing is allocated by what a file claims.

Only the standard library. Weights are safetensors or GGUF; a name in an index is a file of the same folder; what the
configuration asks for is what the tensors have. Everything else ends in a sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from poets_core.errors import InvalidModel
from poets_core.intake import opened, read_file, read_json, shown
from poets_core.lm.families import FAMILIES
from poets_core.lm.gguf_header import check_gguf

CONFIG, INDEX, WEIGHTS = "config.json", "model.safetensors.index.json", "model.safetensors"
ADAPTER = "adapter_config.json"
CONFIG_BYTES, TOKENIZER_BYTES, HEADER_BYTES = 1 << 20, 64 << 20, 4 << 20
WEIGHT_BYTES = 1 << 40
MOST_LAYERS, MOST_TENSORS = 1024, 20_000
DTYPES = {
    name: size
    for size, names in {
        8: "F64 I64 U64",
        4: "F32 I32 U32",
        2: "F16 BF16 I16 U16",
        1: "I8 U8 BOOL F8_E4M3 F8_E5M2",
    }.items()
    for name in names.split()
}
"""Bytes of an element."""
NAMES = {"hidden": ("hidden_size", "n_embd"), "layers": ("num_hidden_layers", "n_layer"), "vocab": ("vocab_size",)}
SIZES = (
    "hidden_size",
    "n_embd",
    "intermediate_size",
    "n_inner",
    "vocab_size",
    "num_attention_heads",
    "n_head",
    "num_key_value_heads",
    "head_dim",
    "n_positions",
    "n_ctx",
)
"""Sizes of a configuration that no model has without a tensor at least as long; rotary positions have none."""
ALIASES = (("hidden_size", "n_embd"), ("num_hidden_layers", "n_layer"), ("num_attention_heads", "n_head"))
"""Two names of one size: transformers takes whichever it meets last."""
FOREIGN = ("auto_map", "quantization_config", "custom_pipelines", "trust_remote_code", "base_model_name_or_path")
"""Keys that name code, another reader of the weights, or another model."""
Shapes = dict[str, tuple[int, ...]]


def _wrong(message: str) -> InvalidModel:
    return InvalidModel(message)


def check_model(path: Path) -> None:
    """Check a model that lies on this machine.

    Args:
        path: of a folder with safetensors, or of a ``.gguf`` file.

    Raises:
        InvalidModel: unsafe, contradictory, too large, or of a family that is not supported.
    """
    if path.suffix == ".gguf":
        check_gguf(path)
        return
    if not (path / CONFIG).is_file():
        raise _wrong(
            f"Expected a Hugging Face model folder (with config.json) as the backbone, got {path.name}, which has "
            "none. Give the folder that save_pretrained wrote, a .gguf file, or a hub name."
        )
    # transformers would load the model that an adapter names, from wherever that is.
    if (path / ADAPTER).exists():
        raise _wrong(f"Expected a whole model in {path.name}, got one with {ADAPTER}. Merge the adapter, or remove it.")
    config = _config(path / CONFIG)
    shapes: Shapes = {}
    for file, promised in _shards(path).items():
        found = safetensors_shapes(file)
        # A tensor that no file holds would be filled with random numbers.
        if missing := sorted(promised - found.keys()):
            raise _wrong(f"Expected {shown(missing[0])} in {file.name}, as {INDEX} says, got none.")
        if twice := sorted(shapes.keys() & found.keys()):
            raise _wrong(f"Expected every tensor once in {path.name}, got {shown(twice[0])} in two files.")
        shapes |= found
    _check_sizes(config, shapes, path)
    _check_tokenizer(path)


def read_config(path: Path, most: int = CONFIG_BYTES) -> dict[str, Any]:
    """Read a JSON object of a model's folder, bounded.

    Raises:
        InvalidModel: it is none.
    """
    found = read_json(read_file(path, most, _wrong), f"JSON in {path.name}", _wrong, most)
    if not isinstance(found, dict):
        raise _wrong(f"Expected a JSON object in {path.name}, got {type(found).__name__}.")
    return found


def _config(path: Path) -> dict[str, Any]:
    config = read_config(path)
    if foreign := [key for key in FOREIGN if config.get(key)]:
        raise _wrong(f"Expected a plain model in {path.name}, got {', '.join(foreign)}. Save it without, as float32.")
    # Other families would be built by code that nobody here has looked at, and could not be cut anyway.
    kind = config.get("model_type")
    if kind not in FAMILIES:
        raise _wrong(f"Expected a model of the families {list(FAMILIES)} in {path.name}, got {shown(kind)}.")
    for key in SIZES + NAMES["layers"]:
        value = config.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31):
            raise _wrong(f"Expected a whole number from 1 to 2^31 as {key} in {path.name}, got {shown(value)}.")
    for one, other in ALIASES:
        if config.get(one) is not None and config.get(other) is not None and config[one] != config[other]:
            raise _wrong(f"Expected one number as {one} and {other} in {path.name}, got two.")
    return config


def _size(config: Mapping[str, Any], what: str) -> int:
    found = [config[key] for key in NAMES[what] if config.get(key) is not None]
    if not found:
        raise _wrong(f"Expected {' or '.join(NAMES[what])} in {CONFIG}, got neither.")
    return int(found[0])


def _shards(folder: Path) -> dict[Path, set[str]]:
    """Return the files of weights, which lie in the folder itself, and the tensors that an index promises of each."""
    if not (folder / INDEX).exists():
        if not (folder / WEIGHTS).exists():
            raise _wrong(
                f"Expected safetensors weights in {folder.name}, found none. Convert the model with "
                "save_pretrained(safe_serialization=True); pickled weights are never loaded."
            )
        return {_inside(folder, WEIGHTS): set()}
    # Which of the two is read is a matter of versions: what was checked must be what is loaded.
    if (folder / WEIGHTS).exists():
        raise _wrong(f"Expected {WEIGHTS} or {INDEX} in {folder.name}, got both. Remove the one that is not meant.")
    names = read_config(folder / INDEX, HEADER_BYTES).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise _wrong(f"Expected a weight_map in {INDEX}, got {shown(type(names).__name__)}.")
    promised: dict[str, set[str]] = {}
    for tensor, name in names.items():
        promised.setdefault(name if isinstance(name, str) else repr(name), set()).add(tensor)
    if len(promised) > 10_000:
        raise _wrong(f"Expected at most 10,000 files in {INDEX}, got {len(promised):,}.")
    return {_inside(folder, name): tensors for name, tensors in promised.items()}


def _inside(folder: Path, name: object) -> Path:
    """Return a file of weights by the name that an index gives it."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\.safetensors", name):
        raise _wrong(
            f"Expected names of .safetensors files of the same folder in {INDEX}, got {shown(name)}. "
            "Pickled weights and files elsewhere are never loaded."
        )
    path = folder / name
    # A link may lead within a cache, as those of the hub do; what it leads to is opened and checked like any file.
    if path.is_symlink() and not _same_cache(path, folder):
        raise _wrong(f"Expected a file as {name} in {folder.name}, got a link out of it. Copy the file there.")
    return path


def _same_cache(path: Path, folder: Path) -> bool:
    """Whether a link stays in the model's own cache: snapshots/REVISION/file leads to blobs/."""
    target = path.resolve()
    return target.parent == folder.resolve().parent.parent / "blobs" or target.parent == folder.resolve()


def safetensors_shapes(path: Path) -> Shapes:
    """Read the header of a safetensors file, and return every tensor's shape.

    Raises:
        InvalidModel: the header lies: about its length, a type, a shape, or where the bytes of a tensor are.
    """
    with opened(path, WEIGHT_BYTES, _wrong) as file:
        size = path.stat().st_size
        # The first eight bytes say how long the header is, and a library would read as many.
        length = int.from_bytes(file.read(8), "little")
        if size < 10 or not 2 <= length <= min(HEADER_BYTES, size - 8):
            raise _wrong(
                f"Expected a safetensors file in {path.name}, got a header of {length:,} bytes in a file of {size:,}."
            )
        text = file.read(length)
    header = read_json(text, f"a safetensors header in {path.name}", _wrong, HEADER_BYTES)
    if not isinstance(header, dict):
        raise _wrong(f"Expected a safetensors header in {path.name}, got {type(header).__name__}.")
    # Free text of whoever saved the file; nothing here reads it.
    header.pop("__metadata__", None)
    if len(header) > MOST_TENSORS:
        raise _wrong(f"Expected at most {MOST_TENSORS:,} tensors in {path.name}, got {len(header):,}.")
    found: Shapes = {}
    places: list[tuple[int, int, str]] = []
    for name, about in header.items():
        shape, begin, end = _tensor(name, about, path)
        found[name] = shape
        places.append((begin, end, name))
    # Side by side from the first byte to the last: no overlap, no gap, nothing behind.
    at = 0
    for begin, end, name in sorted(places):
        if begin != at:
            raise _wrong(
                f"Expected tensors side by side in {path.name}, got {shown(name)} at byte {begin:,}, not {at:,}."
            )
        at = end
    if at != size - 8 - length:
        raise _wrong(f"Expected {at:,} bytes of weights in {path.name}, as its header says, got {size - 8 - length:,}.")
    return found


def _tensor(name: str, about: object, path: Path) -> tuple[tuple[int, ...], int, int]:
    """Return shape, first and last byte of a tensor, all of them believable."""
    where = f"{shown(name)} in {path.name}"
    if not isinstance(about, dict) or about.get("dtype") not in DTYPES:
        got = about.get("dtype") if isinstance(about, dict) else about
        raise _wrong(f"Expected a number type of safetensors for {where}, got {shown(got)}.")
    shape, places = about.get("shape"), about.get("data_offsets")
    if not (_naturals(shape) and _naturals(places)) or len(places) != 2 or len(shape) > 8:
        raise _wrong(f"Expected shape and data_offsets of {where} as lists of whole numbers, got others.")
    # Whole numbers of Python do not overflow, as those of the libraries would.
    need = math.prod(shape) * DTYPES[about["dtype"]]
    if places[1] - places[0] != need:
        raise _wrong(f"Expected {need:,} bytes for the shape of {where}, got {places[1] - places[0]:,}.")
    return tuple(shape), places[0], places[1]


def _naturals(values: Any) -> TypeGuard[list[int]]:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**48 for v in values)


def _check_sizes(config: Mapping[str, Any], shapes: Shapes, folder: Path) -> None:
    """What the configuration asks for is what the weights have: a model is built before its weights are read."""
    layers, hidden, vocabulary = (_size(config, what) for what in ("layers", "hidden", "vocab"))
    # By the names of the tensors: llama's are `layers.N.`, those of GPT-2 `h.N.`.
    numbers = {int(m[1]) for name in shapes if (m := re.search(r"(?:^|\.)(?:layers|h)\.(\d{1,6})\.", name))}
    if layers > MOST_LAYERS or numbers != set(range(layers)):
        raise _wrong(
            f"Expected weights of {layers:,} layers in {folder.name}, as {CONFIG} says, at most {MOST_LAYERS:,}, got "
            f"those of {len(numbers):,}."
        )
    tables = [s for name, s in shapes.items() if re.search(r"(?:^|\.)(?:embed_tokens|wte)\.weight$", name)]
    if tables != [(vocabulary, hidden)]:
        raise _wrong(
            f"Expected embeddings of shape ({vocabulary:,}, {hidden:,}) in {folder.name}, as {CONFIG} says, got "
            f"{str(tables[:2])[:80]}."
        )
    longest = max((max(shape, default=0) for shape in shapes.values()), default=0)
    # GPT-2 has a table of positions; rotary ones have none, and may be as many as one likes.
    sizes = (*SIZES, "max_position_embeddings") if config["model_type"] == "gpt2" else SIZES
    if large := [key for key in sizes if (config.get(key) or 0) > longest]:
        raise _wrong(
            f"Expected sizes of at most {longest:,} in {CONFIG} of {folder.name}, as the weights have, got "
            f"{large[0]} {config[large[0]]:,}."
        )
    # A side of 0 multiplies to nothing, and a scalar cannot be a layer's weight.
    if flat := [name for name, shape in shapes.items() if not shape or 0 in shape]:
        raise _wrong(f"Expected tensors with rows in {folder.name}, got {shown(flat[0])} without any.")


def _check_tokenizer(folder: Path) -> None:
    """Bounded JSON, and no code: what a tokenizer's files may be."""
    for path in (folder / "tokenizer.model", folder / "merges.txt", folder / "vocab.txt"):
        if path.exists():
            opened(path, TOKENIZER_BYTES, _wrong).close()
    for path in sorted(folder.glob("*.json")):
        if path.name in (CONFIG, INDEX):
            continue
        found = read_json(read_file(path, TOKENIZER_BYTES, _wrong), f"JSON in {path.name}", _wrong, TOKENIZER_BYTES)
        if isinstance(found, dict) and (foreign := [k for k in ("auto_map", "custom_generate") if found.get(k)]):
            raise _wrong(f"Expected no code in {path.name}, got {', '.join(foreign)}. Save the tokenizer without it.")


def check_adapter(folder: Path, config: Mapping[str, Any], layers: int) -> None:
    """Check the configuration of a PEFT LoRA adapter; its weights are checked by `safetensors_shapes`.

    Args:
        folder: for messages.
        config: out of ``adapter_config.json``.
        layers: that may have a rank of their own.

    Raises:
        InvalidModel: another kind of adapter, code, or ranks and scales that are no numbers.
    """
    if config.get("peft_type", "LORA") != "LORA":
        raise _wrong(f"Expected a PEFT LoRA adapter in {folder.name}, got {shown(config['peft_type'])}.")
    if foreign := [
        k for k in ("auto_mapping", "auto_map", "loftq_config", "eva_config", "megatron_config") if config.get(k)
    ]:
        raise _wrong(f"Expected a plain LoRA adapter in {folder.name}, got one with {', '.join(foreign)}.")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if type(rank) is not int or not 1 <= rank <= 4096:
        raise _wrong(
            f"Expected a PEFT LoRA adapter with a rank from 1 to 4096 as r in {folder.name}, got {shown(rank)}."
        )
    if not isinstance(alpha, int | float) or isinstance(alpha, bool) or not 0 < alpha < 1e6:
        raise _wrong(f"Expected a PEFT LoRA adapter with lora_alpha above 0 in {folder.name}, got {shown(alpha)}.")
    # Ranks of single layers are read off the tensors later; here they only have to be ranks.
    pattern = config.get("rank_pattern") or {}
    if not isinstance(pattern, dict) or len(pattern) > max(layers, 1) * 8:
        raise _wrong(f"Expected a rank_pattern of the adapted layers in {folder.name}, got {len(pattern):,} entries.")
    if any(type(r) is not int or not 1 <= r <= 4096 for r in pattern.values()):
        raise _wrong(f"Expected ranks from 1 to 4096 in rank_pattern of {folder.name}, got others.")


def check_base(config: Mapping[str, Any], source: str, folder: Path) -> None:
    """Refuse an adapter that names another base model; a path names none, since it holds on one machine alone.

    Args:
        config: out of ``adapter_config.json``; source: what the base model here was loaded from.
        folder: for messages.

    Raises:
        InvalidModel: both are names, and they differ: layers of equal shapes may mean something else.
    """
    base = config.get("base_model_name_or_path") or ""
    if not isinstance(base, str):
        raise _wrong(f"Expected the name of a model as base_model_name_or_path in {folder.name}, got {shown(base)}.")
    # A run's own library model and models made in a test have names that say nothing.
    names = [name for name in (base, source) if name != "memory" and name.count("/") < 2 and name[:1] not in "/.~"]
    if len(names) == 2 and base != source and not Path(source).exists():
        raise _wrong(
            f"Expected an adapter of {source} in {folder.name}, got one of {shown(base)}. Choose its own model."
        )
