"""Where the responses of an experiment come from: branches, prompts, or a log."""
