"""What the page Judge shows, and what it keeps of a judge between two draws."""
