"""Strategies in other tuning libraries, and searches of theirs; optional."""
