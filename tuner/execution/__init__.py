"""Execution of trials: executors, workers and retries."""
