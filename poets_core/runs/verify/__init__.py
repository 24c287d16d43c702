"""What can be checked of an archive by itself: files, tensors, the chain of events, tables, spec. Nothing is run."""
