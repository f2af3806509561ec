"""Hyperparameter search for optimizers: candidates, where they are trained, and what comes of it."""
