"""The process that calls a verifier function: python -m domains.text.calling FOLDER package.module:function

Started by `verifier`, with limits. What the function prints goes to stderr; stdout is for verdicts alone.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from domains.text.process import answers_alone


def main(folder: str, name: str) -> None:
    """Answer until stdin ends."""
    out = answers_alone()
    sys.path.append(folder)
    module, _, function = name.partition(":")
    call = getattr(importlib.import_module(module), function)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_told(call, asked)), file=out, flush=True)


def _told(call: Any, asked: dict[str, str]) -> dict[str, Any]:
    try:
        found = call(asked["prompt"], asked["response"], asked["answer"])
    except Exception as error:  # a function of anybody may raise anything
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    reward, reason = found if isinstance(found, tuple) and len(found) == 2 else (found, "")
    if hasattr(reward, "item"):
        reward = reward.item()  # a number of NumPy
    # bool is a number of Python and a plain way to say right or wrong.
    reward = float(reward) if isinstance(reward, int | float) else repr(reward)[:100]
    return {"reward": reward, "reason": str(reason)}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
