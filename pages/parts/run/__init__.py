"""What the pages of one run show."""
