"""Summaries and statistics of searches and comparisons, as frozen values."""
