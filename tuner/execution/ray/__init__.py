"""Execution on Ray: sessions, workers (actors), jobs and metrics."""
