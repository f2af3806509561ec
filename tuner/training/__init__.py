"""Training of one cohort: the compiled loop and its measurements."""

import os

from tuner.training.keras_settings import settle_keras
from tuner.training.tensorflow_variables import settle_variables
from tuner.training.xla_settings import settle_xla

# Depthwise convolutions and their gradients take a half to a quarter of the time with oneDNN's kernels, which
# TensorFlow disables on some processors. TensorFlow reads this variable once, on import. Every process that trains
# imports this package first; `import tuner` alone does not import it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
settle_keras()
settle_xla()
settle_variables()
