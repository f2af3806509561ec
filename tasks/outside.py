"""Find what a traced graph reads from outside of the task, such as files.

What it reads is in no fingerprint of the task, and may be another thing in another process, or later.
"""

from __future__ import annotations

import re
from typing import Any

from tasks.random_operations import operation_types

# Operations that read files, of tf.io, tf.raw_ops, tf.lookup and tf.train.
_FILES = re.compile(
    r"ReadFile|MatchingFiles|Reader(Read|ReadUpTo)(V2)?|\w+Reader(V2)?|InitializeTableFromTextFile(V2)?"
    r"|Restore(V2|Slice)?|LoadAndRemapMatrix|RecordInput"
)
# Those that take from a tf.data.Dataset, whose elements are not constants of the graph.
_DATASETS = re.compile(r"\w*Dataset(V\d)?|DatasetToSingleElement|\w*Iterator\w*")
# Those that take what others have put there, in this process or another.
_OTHERS = re.compile(
    r"\w*Queue(V2)?|Queue\w+|Barrier\w*|(OrderedMap)?(Map)?Unstage(NoKey)?|\w*StagePeek|\w*MapPeek|GetSessionTensor"
    r"|Rpc(Call|GetValue)|LookupTable(Insert|Import|Remove)(V2)?"
)
_CLOCK = re.compile("Timestamp")
_KINDS = ((_FILES, "a file"), (_DATASETS, "a tf.data.Dataset"), (_OTHERS, "a queue or a table"), (_CLOCK, "the clock"))

REMEDY = (
    "numbers that are constants of the task: read them at the top of the module or in the constructor, as a NumPy array"
)


def outside(graph: Any) -> str | None:
    """Return what a graph reads from outside of the task, with the operation; None if nothing.

    Args:
        graph: A tf.Graph traced by tf.function.
    """
    found = {kind: each for each in sorted(operation_types(graph)) for of, kind in _KINDS if of.fullmatch(each)}
    return next((f"{kind} ({operation})" for kind, operation in found.items()), None)
