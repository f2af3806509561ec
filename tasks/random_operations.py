"""Draws that no seed repeats, found in what was traced of a user's code."""

from __future__ import annotations

from typing import Any

# What tf.random.normal, .uniform, .shuffle and so on, and tf.random.Generator, become.
_STATEFUL = {
    *("RandomStandardNormal", "RandomUniform", "RandomUniformInt", "TruncatedNormal", "ParameterizedTruncatedNormal"),
    *("RandomGamma", "RandomPoisson", "RandomPoissonV2", "RandomShuffle", "Multinomial", "RngReadAndSkip"),
    *("StatefulStandardNormalV2", "StatefulUniform", "StatefulUniformInt", "StatefulTruncatedNormal"),
}
SEED_STATE = "seed_generator_state"  # so Keras names the variable in which a generator counts its draws


def operations(graph: Any) -> set[str]:
    """Return the types of the operations of a graph and of the functions that it calls."""
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    return {node.op for node in nodes}


def unseeded(graph: Any) -> str | None:
    """Return what in a graph draws at random by itself, None if nothing does.

    Args:
        graph: A tf.Graph as tf.function traces it; variables that it reads are those of no state.
    """
    found = sorted(operations(graph) & _STATEFUL)
    if found:
        return found[0]
    names = [variable.name for variable in graph.variables if SEED_STATE in variable.name]
    return "Keras' global generator" if names else None
