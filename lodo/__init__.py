"""How x moves: LODO and the optimizers it is compared with, one a file, as pure functions on cohorts.

Importing this package loads nothing; `lodo.registry` names what there is, and each optimizer's module loads TensorFlow.
"""
