"""Model folders and files that lie: each ends in a sentence, before a library allocates what they claim."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poets_core.errors import InvalidModel
from poets_core.lm import files
from poets_core.lm.files import check_adapter, check_base, check_model, safetensors_shapes
from tests.lm.gguf_file import write_gguf
from tests.lm.tiny import model, tokenizer

Header = dict[str, Any]


def written(path: Path, header: Header | bytes, data: int = 0, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + b"\0" * data)
    return path


def tensor(shape: object, begin: object, end: object, dtype: str = "F32") -> Header:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


GOOD: Header = {"a": tensor([2, 3], 0, 24), "b": tensor([4], 24, 28, "I8")}


def test_a_header_that_is_true_gives_the_shapes(tmp_path: Path) -> None:
    assert safetensors_shapes(written(tmp_path / "w", {"__metadata__": {"format": "pt"}} | GOOD, 28)) == {
        "a": (2, 3),
        "b": (4,),
    }


@pytest.mark.parametrize(
    ("header", "data", "length"),
    [
        (GOOD, 28, 2**63),
        (GOOD, 28, 1),
        (GOOD, 28, 17 << 20),
        (GOOD, 27, None),
        (GOOD, 29, None),
        (b"[]", 0, None),
        (b"{", 0, None),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", 0, None),
        (b'{"a":1,"a":1}', 0, None),
        ({"a": 1}, 0, None),
        ({"a": tensor([2], 0, 8, "F33")}, 8, None),
        ({"a": tensor([-2], 0, 8)}, 8, None),
        ({"a": tensor([2.0], 0, 8)}, 8, None),
        ({"a": tensor([10**30], 0, 8)}, 8, None),
        ({"a": tensor([2**31, 2**31, 2**31], 0, 8)}, 8, None),
        ({"a": tensor([2], 0, 9)}, 9, None),
        ({"a": tensor([2], 8, 0)}, 8, None),
        ({"a": tensor([2], 0, 8), "b": tensor([2], 4, 12)}, 12, None),
        ({"a": tensor([2], 0, 8), "b": tensor([2], 16, 24)}, 24, None),
        ({"a": tensor([1] * 40, 0, 4)}, 4, None),
        ({"a": {"dtype": "F32", "shape": [2]}}, 8, None),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: Header | bytes, data: int, length: int | None) -> None:
    with pytest.raises(InvalidModel, match="Expected"):
        safetensors_shapes(written(tmp_path / "w", header, data, length))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_any_bytes_are_a_sentence_or_shapes(tmp_path: Path, data: bytes) -> None:
    for path, read in ((tmp_path / "w", safetensors_shapes), (tmp_path / "m.gguf", check_model)):
        path.write_bytes(data)
        with contextlib.suppress(InvalidModel):  # any other error is a failure
            read(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model("llama").save_pretrained(tmp_path / "m")
    tokenizer().save_pretrained(tmp_path / "m")
    check_model(tmp_path / "m")
    return tmp_path / "m"


def config(**changes: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def index(name: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        names = dict.fromkeys(safetensors_shapes(folder / "model.safetensors"), name)
        (folder / "model.safetensors").rename(folder / "model-1.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))

    return change


def linked(folder: Path) -> None:
    outside = folder.parent / "outside.safetensors"
    (folder / "model.safetensors").rename(outside)
    (folder / "model.safetensors").symlink_to(outside)


CHANGES: dict[str, Callable[[Path], object]] = {
    "index names a pickle": index("pytorch_model.bin"),
    "index names a file outside": index("../outside.safetensors"),
    "index names an absolute path": index("/etc/passwd"),
    "index names a shard that is not there": index("model-2.safetensors"),
    "index names a number": index(7),
    "index promises a tensor that is not there": lambda f: (
        index("model-1.safetensors")(f),
        (f / "model.safetensors.index.json").write_text('{"weight_map": {"x": "model-1.safetensors"}}'),
    ),
    "a link out of the folder": linked,
    "a billion layers": config(num_hidden_layers=10**9),
    "one layer too many": config(num_hidden_layers=3),
    "no layers": config(num_hidden_layers=0),
    "layers as text": config(num_hidden_layers="2"),
    "another width": config(hidden_size=10**6),
    "another vocabulary": config(vocab_size=10**9),
    "a wide middle": config(intermediate_size=10**9),
    "many heads": config(num_attention_heads=10**9),
    "two numbers of layers": config(n_layer=7),
    "code": config(auto_map={"AutoModel": "evil.Model"}),
    "quantised": config(quantization_config={"quant_method": "bitsandbytes"}),
    "another family": config(model_type="evil"),
    "a deep configuration": lambda f: (f / "config.json").write_text("[" * 9999),
    "an adapter's folder": lambda f: (f / "adapter_config.json").write_text("{}"),
    "code in the tokenizer": lambda f: (f / "tokenizer_config.json").write_text('{"auto_map": {"a": "b.c"}}'),
    "a tokenizer that is no JSON": lambda f: (f / "tokenizer.json").write_text("{"),
    "a configuration that is a device": lambda f: (
        (f / "tokenizer.json").unlink(),
        (f / "tokenizer.json").symlink_to("/dev/zero"),
    ),
    "no weights": lambda f: (f / "model.safetensors").unlink(),
    "pickled weights": lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_folder_that_lies_is_refused(folder: Path, change: Callable[[Path], object]) -> None:
    change(folder)
    with pytest.raises(InvalidModel, match="Expected"):
        check_model(folder)


def test_shards_of_the_folder_are_read(folder: Path) -> None:
    index("model-1.safetensors")(folder)
    check_model(folder)


def test_ranks_of_zero_and_sizes_of_zero_are_refused(tmp_path: Path) -> None:
    for change in ({"r": 0}, {"r": -1}, {"r": "8"}, {"r": 10**9}, {"r": True}, {"lora_alpha": 0}, {"lora_alpha": "x"}):
        with pytest.raises(InvalidModel):
            check_adapter(tmp_path, {"r": 8, "lora_alpha": 16} | change, 2)
    for key, value in (
        ("auto_mapping", {"base_model_class": "evil"}),
        ("peft_type", "PROMPT_TUNING"),
        ("rank_pattern", {"a": 0}),
        ("rank_pattern", {str(i): 1 for i in range(1000)}),
        ("rank_pattern", [1]),
    ):
        with pytest.raises(InvalidModel):
            check_adapter(tmp_path, {"r": 8, "lora_alpha": 16, key: value}, 2)
    check_adapter(tmp_path, {"r": 8, "lora_alpha": 16, "rank_pattern": {"a": 4}}, 2)


def test_an_adapter_of_another_base_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="adapter of protein"):
        check_base({"base_model_name_or_path": "circuit"}, "protein", tmp_path)
    with pytest.raises(InvalidModel, match="name of a model"):
        check_base({"base_model_name_or_path": 7}, "protein", tmp_path)
    for base, source in (("protein", "protein"), ("/elsewhere/protein", "protein"), ("protein", "memory"), ("", "a")):
        check_base({"base_model_name_or_path": base}, source, tmp_path)


def test_a_gguf_file_is_checked_against_itself(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", tied=True)
    check_model(path)
    whole = path.read_bytes()
    for data in (
        whole[:-1],  # the last tensor is cut off
        whole[:40],
        b"GGML" + whole[4:],
        whole[:4] + struct.pack("<I", 9) + whole[8:],
        whole[:8] + struct.pack("<Q", 2**60) + whole[16:],  # tensors
        whole[:16] + struct.pack("<Q", 2**60) + whole[24:],  # entries
        whole[:24] + struct.pack("<Q", 2**60) + whole[32:],  # length of the first key
        whole.replace(b"llama", b"evill"),
        whole.replace(b"blk.1.", b"blk.7."),
        whole.replace(b"block_count" + struct.pack("<II", 4, 2), b"block_count" + struct.pack("<II", 4, 10**9)),
        whole.replace(
            b"feed_forward_length" + struct.pack("<II", 4, 64), b"feed_forward_length" + struct.pack("<II", 4, 10**9)
        ),
    ):
        assert data != whole
        path.write_bytes(data)
        with pytest.raises(InvalidModel, match="Expected"):
            check_model(path)


def test_the_families_are_those_that_can_be_cut() -> None:
    from poets_core.lm.backbone import FAMILIES
    from poets_core.lm.gguf_header import FAMILIES as gguf

    assert set(files.FAMILIES) == set(FAMILIES) == set(gguf)
