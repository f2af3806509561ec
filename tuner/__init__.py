"""Who is tried, where, and what came of it."""
