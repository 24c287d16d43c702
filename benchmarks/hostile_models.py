"""Hostile models: folders of Hugging Face, GGUF files and PEFT adapters that lie, made when they are needed."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from domains.catalog import backbones

Change = Callable[[Path], object]
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


def config(**changes: Any) -> Change:
    """Change the configuration."""

    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def index(name: object) -> Change:
    """Replace the weights by an index that names a file for every tensor."""

    def change(folder: Path) -> None:
        (folder / WEIGHTS).rename(folder / "model-1.safetensors")
        (folder / INDEX).write_text(json.dumps({"weight_map": {"model.embed_tokens.weight": name}}))

    return change


def weights(header: object, data: int = 0, length: int | None = None) -> Change:
    """Replace the weights by a header and so many zeros."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()

    def change(folder: Path) -> None:
        target = folder / (WEIGHTS if (folder / WEIGHTS).exists() else "adapter_model.safetensors")
        target.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + b"\0" * data)

    return change


def tensor(shape: object, begin: object, end: object, dtype: str = "F32") -> dict[str, Any]:
    """One entry of a header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def text(name: str, content: str) -> Change:
    """Write a file."""
    return lambda folder: (folder / name).write_text(content)


def link(name: str, target: str) -> Change:
    """Replace a file by a link."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


HEADERS: dict[str, Change] = {
    "a header of 2^63 bytes": weights({"a": tensor([1], 0, 4)}, 4, 2**63),
    "a header of 17 MiB": weights({"a": tensor([1], 0, 4)}, 4, 17 << 20),
    "tensors that overlap": weights({"a": tensor([2], 0, 8), "b": tensor([2], 4, 12)}, 12),
    "a gap between tensors": weights({"a": tensor([2], 0, 8), "b": tensor([2], 16, 24)}, 24),
    "bytes behind the last tensor": weights({"a": tensor([2], 0, 8)}, 99),
    "fewer bytes than it says": weights({"a": tensor([200], 0, 800)}, 8),
    "an unknown type of number": weights({"a": tensor([2], 0, 8, "F128")}, 8),
    "a side of 2^62": weights({"a": tensor([2**62, 4], 0, 8)}, 8),
    "sides that overflow": weights({"a": tensor([2**31, 2**31, 4], 0, 0)}, 0),
    "a negative side": weights({"a": tensor([-1], 0, 8)}, 8),
    "half a row": weights({"a": tensor([1.5], 0, 6)}, 6),
    "40 sides": weights({"a": tensor([1] * 40, 0, 4)}, 4),
    "a tensor twice": weights(b'{"a":{},"a":{}}'),
    "a header 90,000 brackets deep": weights(b'{"a":' + b"[" * 90_000 + b"}"),
    "100,000 tensors of nothing": weights({f"t{i}": tensor([0], 0, 0) for i in range(100_000)}),
    "a header that is no JSON": weights(b"\x80\x04pickle"),
}
FOLDERS: dict[str, Change] = {
    "an index that names a pickle": index("pytorch_model.bin"),
    "an index that names a file outside": index("../evil.safetensors"),
    "an index that names an absolute path": index("/etc/passwd"),
    "an index that names a file that is not there": index("model-9.safetensors"),
    "an index that names a number": index(7),
    "an index without end": text(INDEX, '{"weight_map": ' + "[" * 90_000),
    "a link out of the folder": link(WEIGHTS, "/etc/passwd"),
    "weights that are a device": link(WEIGHTS, "/dev/zero"),
    "a tokenizer that is a device": link("tokenizer.json", "/dev/zero"),
    "a billion layers": config(num_hidden_layers=10**9),
    "one layer too many": config(num_hidden_layers=6),
    "no layers": config(num_hidden_layers=0),
    "a width of a billion": config(hidden_size=10**9),
    "a vocabulary of a billion": config(vocab_size=10**9),
    "a middle of a billion": config(intermediate_size=10**9),
    "a billion heads": config(num_attention_heads=10**9),
    "sizes as text": config(hidden_size="192"),
    "a size of 38 digits": config(hidden_size=10**38),
    "code to be run": config(auto_map={"AutoModelForCausalLM": "evil.Model"}),
    "another reader of weights": config(quantization_config={"quant_method": "bitsandbytes"}),
    "another family": config(model_type="evil"),
    "another model by an adapter": text("adapter_config.json", '{"base_model_name_or_path": "evil/model"}'),
    "code in the tokenizer": text("tokenizer_config.json", '{"auto_map": {"AutoTokenizer": ["evil.T", null]}}'),
    "a tokenizer 90,000 brackets deep": text("tokenizer.json", "[" * 90_000),
    "a configuration of 9 MB": text("config.json", " " * (9 << 20)),
    "pickled weights alone": lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin"),
    "an empty folder": lambda folder: [p.unlink() for p in folder.iterdir()],
    **HEADERS,
}


def gguf(tensors: int = 0, entries: int = 0, rest: bytes = b"", version: int = 3) -> Callable[[], bytes]:
    """The beginning of a GGUF file."""
    return lambda: b"GGUF" + struct.pack("<IQQ", version, tensors, entries) + rest


def _text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


GGUF: dict[str, Callable[[], bytes]] = {
    "2^60 tensors": gguf(2**60),
    "2^60 entries": gguf(0, 2**60),
    "another version": gguf(version=99),
    "another kind of file": lambda: b"\x80\x04pickle" * 100,
    "nothing": lambda: b"",
    "a key of 2^62 bytes": gguf(0, 1, struct.pack("<Q", 2**62)),
    "a list of 2^62 numbers": gguf(0, 1, _text(b"k") + struct.pack("<IIQ", 9, 4, 2**62)),
    "a list of lists": gguf(0, 1, _text(b"k") + struct.pack("<IIQ", 9, 9, 1)),
    "a key twice": gguf(0, 2, (_text(b"k") + struct.pack("<II", 4, 1)) * 2),
    "another family": gguf(0, 1, _text(b"general.architecture") + struct.pack("<I", 8) + _text(b"evil")),
    "a tensor of 2^60 elements": gguf(1, 0, _text(b"t") + struct.pack("<IQIQ", 1, 2**60, 0, 0)),
    "a tensor of 200 sides": gguf(1, 0, _text(b"t") + struct.pack("<I", 200)),
    "a tensor without elements": gguf(1, 0, _text(b"t") + struct.pack("<IQIQ", 1, 0, 0, 0)),
}
ADAPTERS: dict[str, Change] = {
    name: (
        lambda folder, changes=changes: (folder / "adapter_config.json").write_text(
            json.dumps({"peft_type": "LORA", "r": 8, "lora_alpha": 16} | changes)
        )
    )
    for name, changes in {
        "of another base model": {"base_model_name_or_path": "evil"},
        "code to be run": {"auto_mapping": {"base_model_class": "Evil", "parent_library": "os"}},
        "rank 0": {"r": 0},
        "rank of a billion": {"r": 10**9},
        "rank as text": {"r": "8"},
        "a rank for each of 10,000 layers": {"rank_pattern": {f"l{i}": 1 for i in range(10_000)}},
        "a layer of rank 0": {"rank_pattern": {"a": 0}},
        "no scale": {"lora_alpha": 0},
        "another kind of adapter": {"peft_type": "PROMPT_TUNING"},
        "a base model that is a list": {"base_model_name_or_path": ["evil"]},
    }.items()
} | {
    "a configuration that is a device": link("adapter_config.json", "/dev/zero"),
    "a configuration without end": text("adapter_config.json", "[" * 90_000),
    "weights that are a header": weights({"a": tensor([2**40], 0, 2**42)}, 8),
}


def folder_of(folder: Path, change: Change) -> Path:
    """Copy the protein model that ships, and change the copy."""
    target = folder / "model"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(backbones()["protein"].folder, target)
    change(target)
    return target


def adapter_of(folder: Path, change: Change) -> Path:
    """Write a small adapter that is right, and change it."""
    target = folder / "adapter"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    (target / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8, "lora_alpha": 16}))
    weights({"a": tensor([2], 0, 8)}, 8)(target)
    change(target)
    return target
