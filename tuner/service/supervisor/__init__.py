"""The supervisor: which runs have drivers, and with how many workers."""
