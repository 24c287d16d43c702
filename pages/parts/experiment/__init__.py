"""What the page Policies shows."""
