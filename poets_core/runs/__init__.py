"""The run store: the only thing that the browser and the worker both know."""
