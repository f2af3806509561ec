"""What the records of studies and comparisons mean, as frozen values."""
