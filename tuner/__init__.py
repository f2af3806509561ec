"""Who is tried, where, and what came of it."""

import os

# Depthwise convolutions and their gradients take a half to a quarter of the time with oneDNN's kernels, which
# TensorFlow leaves out on some processors. It reads this once, when it is imported: so it is set here, before that.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
