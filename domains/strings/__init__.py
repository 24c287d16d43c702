"""Strings over any alphabet, measured by an oracle of one's own; DNA is the worked example."""
