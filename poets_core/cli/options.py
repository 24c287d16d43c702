"""Options that many commands have."""

from __future__ import annotations

from typing import Annotated

import typer

StoreUrl = Annotated[str | None, typer.Option("--store", help="Store URL; default: POETS_STORE, or ./store/poets.db.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
