"""Tasks: problems to minimise, one per file, their data sets, and the Task protocol.

`tasks.registry` finds tasks without loading TensorFlow; a task's own module loads it.
"""
