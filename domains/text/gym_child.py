"""The process that draws and scores what this process should not: python -m domains.text.gym_child

Started by `gym_away`, with limits and a fixed PYTHONHASHSEED. A line of JSON asks, a line of JSON answers: first
``{"draw": {...}}``, then any number of ``{"id": ..., "response": ...}``.
"""

from __future__ import annotations

import json
import sys
from dataclasses import astuple
from typing import Any

from domains.text.gym import Generator, drawn, generator_of
from domains.text.process import answers_alone
from poets_core.errors import InvalidSpec
from poets_core.verifiable import PromptItem


def main() -> None:
    """Answer until stdin ends."""
    out = answers_alone()  # whatever the package prints
    generator: Generator | None = None
    items: dict[str, PromptItem] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        told: dict[str, Any]
        if "draw" in asked:
            wanted = asked["draw"]
            try:
                generator = generator_of(wanted["task"], wanted["levels"], wanted["settings"])
                found = drawn(generator, wanted["wanted"], wanted["seed"])
                items = {item.id: item for split in found.values() for item in split}
                told = {"items": {split: [astuple(item) for item in of] for split, of in found.items()}}
            except InvalidSpec as error:
                told = {"error": str(error), "field": error.field}
        elif generator is None:
            told = {"error": "Expected a task to be drawn first."}
        else:
            verdict = generator.score(items[asked["id"]], asked["response"])
            told = {"reward": verdict.reward, "reason": verdict.reason}
        print(json.dumps(told), file=out, flush=True)


if __name__ == "__main__":
    main()
