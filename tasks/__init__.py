"""What is minimised: one problem a file, the data sets behind them, and the protocol that all of them follow.

`tasks.registry` says what there is without loading TensorFlow; a task's own module loads it.
"""
