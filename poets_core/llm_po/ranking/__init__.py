"""A full ranking of the policies of an experiment, with intervals that hold all together and at every moment."""
