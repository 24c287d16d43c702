"""M policies on one frozen language model: stacked LoRA branches above a branch point."""
