"""Write examples/comparisons.csv, the log of the tutorial "Which prompt is best".

    python -m scripts.example_comparisons

Nobody judged anything: outcomes are drawn from win probabilities that are made up, the same on every machine. Every
question is asked of all six pairs, in a random order of presentation that sways nobody. There are as many questions as
an experiment with the settings that the form starts with needs to end in a verdict.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from poets_core.keyed import rng_for

TARGET = Path(__file__).resolve().parents[1] / "examples" / "comparisons.csv"
POLICIES = ("concise", "step by step", "examples", "bare")
WINS = {(0, 1): 0.72, (0, 2): 0.78, (0, 3): 0.86, (1, 2): 0.55, (1, 3): 0.80, (2, 3): 0.75}
"""How often the first of two is preferred where one is."""
TIES = 0.11
QUESTIONS = 200


def main() -> None:
    """Write the log."""
    rng = rng_for(0, "example comparisons")
    rows = []
    for question in range(1, QUESTIONS + 1):
        for i, j in itertools.combinations(range(len(POLICIES)), 2):
            tie, won, first = rng.random(3)
            outcome = "tie" if tie < TIES else "a" if won < WINS[i, j] else "b"
            order = "a-first" if first < 0.5 else "b-first"
            rows.append(f"question {question},{POLICIES[i]},{POLICIES[j]},{outcome},{order}")
    TARGET.write_text("\n".join(["prompt,policy_a,policy_b,outcome,order", *rows, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
