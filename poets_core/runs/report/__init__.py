"""A run as one HTML file: verdict, figures, table, spec, seed, versions, checks. It asks nothing of any network."""
