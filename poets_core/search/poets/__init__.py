"""POETS: an ensemble of policies on one backbone, each matching its implicit reward to its bootstrap."""
