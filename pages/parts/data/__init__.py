"""The page Data: a table looked at, kept under a name, and used for any number of runs."""
