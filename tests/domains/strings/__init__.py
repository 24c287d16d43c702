"""Strings with oracles of one's own."""
