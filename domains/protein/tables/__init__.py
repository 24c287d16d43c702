"""Tables of measured variants as people have them: which columns, which way is better, which variants, what was left
out."""
