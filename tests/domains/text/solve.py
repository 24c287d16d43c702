"""Right answers where the package tells none: its scorers must be met by somebody."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any


def boxnet(about: Mapping[str, Any]) -> str:
    """Carry one box after the other, along its row, along its column, and onto a target of its colour."""
    plan: list[dict[str, str]] = []
    state = {place: list(things) for place, things in about["initial_state"].items()}
    for place in list(state):
        for box in [t for t in state[place] if t.startswith("box_")]:
            goal = next(p for p, things in state.items() if f"target_{box[4:]}" in things)
            state[goal].remove(f"target_{box[4:]}")
            (row, column), (to_row, to_column) = (tuple(map(float, p.split("_"))) for p in (place, goal))
            while (row, column) != (to_row, to_column):
                here = f"Agent[{row}, {column}]"
                if row != to_row:
                    row += 1 if to_row > row else -1
                else:
                    column += 1 if to_column > column else -1
                plan.append({here: f"move({box}, square[{row}, {column}])"})
            plan.append({f"Agent[{row}, {column}]": f"move({box}, target_{box[4:]})"})
    return json.dumps(plan)


def rush_hour(about: Mapping[str, Any]) -> str:
    """Search the boards that moves of one cell lead to, breadth first, until the car AA stands at the right edge.

    The package letters cars by their order; its data may leave letters out.
    """
    board = about["board_config"]
    places: dict[str, list[int]] = {}
    for at, letter in enumerate(board):
        if letter not in "ox.":
            places.setdefault(letter, []).append(at)
    walls = {at for at, letter in enumerate(board) if letter == "x"}
    pieces = sorted(places)
    steps = [places[p][1] - places[p][0] for p in pieces]
    start = tuple(places[p][0] for p in pieces)
    lengths = [len(places[p]) for p in pieces]
    came: dict[tuple[int, ...], tuple[tuple[int, ...], str]] = {start: (start, "")}
    queue = deque([start])
    red = pieces.index("A")
    while queue:
        now = queue.popleft()
        if now[red] % 6 + lengths[red] == 6:
            moves: list[str] = []
            while now != start:
                now, move = came[now]
                moves.append(move)
            return " ".join(reversed(moves))
        taken = walls | {now[i] + k * steps[i] for i in range(len(pieces)) for k in range(lengths[i])}
        for i, (step, length) in enumerate(zip(steps, lengths, strict=True)):
            for way, cell, edge in (
                (1, now[i] + step * length, now[i] + step * (length - 1)),
                (-1, now[i] - step, now[i]),
            ):
                on_board = 0 <= cell < 36 and (step == 6 or cell // 6 == edge // 6)
                if on_board and cell not in taken:
                    after = (*now[:i], now[i] + way * step, *now[i + 1 :])
                    if after not in came:
                        came[after] = now, f"{chr(65 + i)}{'+' if way > 0 else '-'}1"
                        queue.append(after)
    raise AssertionError("no way out")
