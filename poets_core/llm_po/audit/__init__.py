"""Judges that are models, audited by people: who is best by the people's preference, with few of their labels."""
