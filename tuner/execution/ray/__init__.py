"""Execution on Ray: sessions, worker actors, jobs, and metrics."""
