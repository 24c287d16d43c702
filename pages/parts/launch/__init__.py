"""The form of the Launch page."""
