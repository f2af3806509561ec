"""LODO and the optimizers it is compared with, as pure functions on cohorts.

Importing this package loads nothing. `lodo.registry` lists the optimizers; each optimizer's module loads TensorFlow.
"""
