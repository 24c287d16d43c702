"""Search with a function of your own: ask for words, tell what they are worth."""

from poets_core.sequences import SequenceSearch


def score(word: str) -> float:
    """Your function; here, how many letters of a hidden word are in their place."""
    return sum(a == b for a, b in zip(word, "PLASTICS", strict=True))


search = SequenceSearch(alphabet="ACDEFGHIKLMNPQRSTVWY", length=8, seed=0)
for _ in range(12):
    candidates = search.ask(16)
    search.tell([score(c.design) for c in candidates])
print(*search.best)
