"""Experiments: where responses come from, who judges them, and the run that joins both with the store."""
