"""Runs that learn from verifiable rewards: what is learnt, the checks before, the loop, and what a run leaves."""
