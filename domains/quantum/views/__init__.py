"""What an engineer looks at in the circuits of a run: errors against CX, probabilities, entanglement, noise."""
