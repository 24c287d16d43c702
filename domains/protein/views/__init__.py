"""What a protein engineer looks at, as pure functions: numbers, SVG text and data for Plotly; no page, no model."""
