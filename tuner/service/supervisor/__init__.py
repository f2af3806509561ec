"""The supervisor: which runs have drivers, and how many workers each of them may use."""
