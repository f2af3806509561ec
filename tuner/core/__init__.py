"""Shared values: trials, studies, events, seeds, errors and files."""
