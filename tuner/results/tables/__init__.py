"""Tables of results as text, JSON, CSV, Markdown and LaTeX."""
