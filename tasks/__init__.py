"""Tasks: problems to minimise, one per file, with their data sets.

`tasks.registry` finds tasks without loading TensorFlow; a task's own module loads it.
"""
