"""The worker: joins problem, search and run store; the only place that knows all three."""
