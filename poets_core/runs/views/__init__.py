"""What a run's events fold into: the values that pages, exports and the command line show."""
