"""Find random operations without an explicit seed in a traced graph."""

from __future__ import annotations

from typing import Any

# Operations of tf.random.normal, .uniform, .shuffle and so on, and of tf.random.Generator.
_STATEFUL = {
    *("RandomStandardNormal", "RandomUniform", "RandomUniformInt", "TruncatedNormal", "ParameterizedTruncatedNormal"),
    *("RandomGamma", "RandomPoisson", "RandomPoissonV2", "RandomShuffle", "Multinomial", "RngReadAndSkip"),
    *("StatefulStandardNormal", "StatefulStandardNormalV2", "StatefulUniform", "StatefulUniformInt"),
    *("StatefulUniformFullInt", "StatefulTruncatedNormal", "StatefulRandomBinomial", "NonDeterministicInts"),
    # Of tf.nn.sampled_softmax_loss and tf.nn.nce_loss, and of tf.image.
    *("UniformCandidateSampler", "LogUniformCandidateSampler", "FixedUnigramCandidateSampler", "AllCandidateSampler"),
    *("LearnedUnigramCandidateSampler", "ThreadUnsafeUnigramCandidateSampler", "RandomCrop"),
    *("SampleDistortedBoundingBox", "SampleDistortedBoundingBoxV2"),
}
# What they compute is Python's: whether it follows from the seed, and what it keeps for the next candidate, is unknown.
_OF_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
SEED_STATE = "seed_generator_state"  # Keras' name of the variable of a keras.random.SeedGenerator


def operation_types(graph: Any) -> set[str]:
    """Return the types of the operations in a tf.Graph and in the functions that it calls."""
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    return {node.op for node in nodes}


def unseeded(graph: Any, *, with_python: bool = True) -> str | None:
    """Return the first random operation of a graph whose numbers no seed repeats; None if there is none.

    Args:
        graph: A tf.Graph traced by tf.function. Variables that it reads directly are not part of the task's state.
        with_python: Whether operations that call Python count. Default: True.
    """
    types = operation_types(graph)
    if with_python and types & _OF_PYTHON:
        return "tf.numpy_function or tf.py_function, in which Python draws and keeps what it likes"
    if operations := sorted(types & _STATEFUL):
        return operations[0]
    names = [variable.name for variable in graph.variables if SEED_STATE in variable.name]
    return "Keras' global generator" if names else None
