"""Execution on Ray: sessions, workers that are actors, jobs, metrics."""
