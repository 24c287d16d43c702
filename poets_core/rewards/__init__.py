"""Learning from verifiable rewards: groups of answers per prompt, replay, POETS and its rivals."""
