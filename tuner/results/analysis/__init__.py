"""What the records of searches and comparisons show, as frozen values."""
