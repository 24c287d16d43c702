"""The page Runs in parts: what a run is in a line, which runs are looked for, and what is done with one."""
