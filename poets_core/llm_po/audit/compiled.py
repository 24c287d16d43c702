"""Compiled functions of this folder."""

from __future__ import annotations

from pathlib import Path

from poets_core.compiled import Compiler

compiled = Compiler(Path(__file__).parent)

__all__ = ["compiled"]
