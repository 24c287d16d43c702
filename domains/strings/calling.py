"""The process that calls a function as oracle: python -m domains.strings.calling FOLDER package.module:function

Started by `ways`, with limits. What the function prints goes to stderr; stdout is for answers alone.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

from domains.text.process import answers_alone


def main(folder: str, name: str) -> None:
    """Answer until stdin ends."""
    out = answers_alone()
    if folder:
        sys.path.append(folder)
    module, _, function = name.partition(":")
    call = getattr(importlib.import_module(module), function)
    seeded = "seed" in inspect.signature(call).parameters
    for line in sys.stdin:
        asked = json.loads(line)
        more = {"seed": asked["seed"]} if seeded else {}
        print(json.dumps(answered(call, asked["design"], more)), file=out, flush=True)


def answered(call: Callable[..., Any], design: str, more: dict[str, int]) -> dict[str, Any]:
    """Return the answer of a function: a number, number and details, or why there is none.

    `ValueError` says that the design cannot be measured. Any other exception is a fault of the function.
    """
    try:
        found = call(design, **more)
    except ValueError as error:
        return {"invalid": (str(error).strip() or "ValueError")[:300]}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    value, details = found if isinstance(found, tuple) and len(found) == 2 else (found, {})
    if hasattr(value, "item"):
        value = value.item()  # a number of NumPy
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(details, dict):
        return {"error": f"expected a number, or a number and a dict, got {found!r}"[:300]}
    return {"value": value, "details": details}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
