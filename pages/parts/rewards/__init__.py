"""Runs that learn from verifiable rewards: their form, their panels, sampled answers, what is taken away."""
