"""How branches are fitted to rewards: losses, bootstrap weights, prior adapters, the trainer."""
