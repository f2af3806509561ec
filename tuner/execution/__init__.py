"""Where and how candidates are trained: executors, workers, retries."""
