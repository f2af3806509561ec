"""Training of one cohort: the compiled loop, and what is measured on the way."""

import os

# Depthwise convolutions and their gradients take a half to a quarter of the time with oneDNN's kernels, which
# TensorFlow leaves out on some processors. It reads this once, when it is imported; every process of ours that trains
# imports this package first, and `import tuner` alone does not.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
