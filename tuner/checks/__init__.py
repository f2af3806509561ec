"""Checks of the task protocol, for built-in tasks and users' own tasks."""
