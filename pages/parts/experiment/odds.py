"""Evidence and effort in words: odds instead of nats, round numbers of pairs instead of thresholds."""

from __future__ import annotations

import math

from pages.parts.panel import Json

MOST = 1_000_000
"""Odds beyond it are "over" it: nobody tells them apart."""


def odds(nats: float) -> str:
    """Write evidence as odds: log 63 -> ``"63:1"``, -log 4 -> ``"1:4"``, more than a million -> ``"over 1,000,000:1"``.

    Args:
        nats: logarithm of the odds.
    """
    size = abs(nats)
    if size > math.log(MOST):
        text = f"over {MOST:,}"
    else:
        value = math.exp(size)
        text = f"{value:.1f}".removesuffix(".0") if value < 10 else f"{float(f'{value:.2g}'):,.0f}"
    return f"{text}:1" if nats >= 0 else f"1:{text}"


def odds_axis(low: float, high: float) -> Json:
    """Return ticks of an axis of evidence with odds in words, at powers of ten; on a short axis between them too.

    Args:
        low, high: of the axis, nats.
    """
    first, last = math.ceil(low / math.log(10)), math.floor(high / math.log(10))
    if last - first < 1:  # one power of ten alone says nothing of the scale
        shown = [n for n in (-math.log(5), -math.log(2), 0.0, math.log(2), math.log(5)) if low <= n <= high]
        return {"tickvals": [round(n, 4) for n in shown], "ticktext": [odds(n) for n in shown]}
    step = max(1, math.ceil((last - first) / 4))
    powers = [k for k in range(first, last + 1) if k % step == 0]
    return {"tickvals": [round(k * math.log(10), 4) for k in powers], "ticktext": [_power(k) for k in powers]}


def _power(k: int) -> str:
    number = f"{10 ** abs(k):,}" if abs(k) <= 4 else f"10<sup>{abs(k)}</sup>"
    return f"{number}:1" if k >= 0 else f"1:{number}"


def about(n: int) -> str:
    """Write a number of pairs that is an estimate: ``"about 25 more pairs"``."""
    if n <= 1:
        return "about one more pair"
    step = 1 if n < 10 else 5 if n < 100 else 10 ** (len(str(n)) - 2)
    return f"about {step * math.ceil(n / step):,} more pairs"
