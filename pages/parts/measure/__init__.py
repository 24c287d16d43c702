"""What the page of a laboratory is made of."""
