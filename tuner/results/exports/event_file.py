"""An event file as TensorBoard reads it: scalars on their step, and a session of the HParams tab."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

MAX_FLOAT32 = 3.4028234663852886e38  # TensorBoard keeps scalars in float32
_PLUGIN = "hparams"  # its tags and version are those of TensorBoard's plugin
_STARTS, _ENDS = "_hparams_/session_start_info", "_hparams_/session_end_info"


class EventFile:
    """A new event file, written through to the disk when it is closed.

    Args:
        folder: A run of TensorBoard's; made if it is not there.
        started: The run's start, in seconds since 1970.
    """

    def __init__(self, folder: Path, started: float) -> None:
        from tensorboardX.record_writer import RecordWriter  # 0.2 s that nobody else should pay

        folder.mkdir(parents=True, exist_ok=True)
        self._started = started
        self._writer: Any = RecordWriter(os.fspath(folder / f"events.out.tfevents.{started:.0f}.lodo-tune"))
        self._write(file_version="brain.Event:2")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        try:
            self._writer.flush()
        finally:
            self._writer.close()

    def scalar(self, tag: str, step: int, value: float, *, after: float = 0.0) -> None:
        """Write a value; one that is not finite in float32 is left out.

        Args:
            tag: What it is.
            step: Where on the axis of steps.
            value: The value.
            after: Where on the axis of time, in seconds from the start. Default 0.
        """
        from tensorboardX.proto.summary_pb2 import Summary

        if math.isfinite(value) and abs(value) <= MAX_FLOAT32:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            self._write(after, step=step, summary=summary)

    def session(self, hyperparameters: Mapping[str, float | str], *, finished: bool, seconds: float) -> None:
        """Write that this run is a session of the HParams tab, and how it ended.

        Args:
            hyperparameters: Its columns; numbers are kept in float64.
            finished: Or failed.
            seconds: How long it took.
        """
        from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

        start = SessionStartInfo(start_time_secs=self._started)
        for name, value in hyperparameters.items():
            if isinstance(value, str):
                start.hparams[name].string_value = value
            else:
                start.hparams[name].number_value = value
        # Of its enumeration: 1 is success, 2 is failure.
        end = SessionEndInfo(status=1 if finished else 2, end_time_secs=self._started + seconds)
        self._of_plugin(_STARTS, HParamsPluginData(version=0, session_start_info=start), 0.0)
        self._of_plugin(_ENDS, HParamsPluginData(version=0, session_end_info=end), seconds)

    def _of_plugin(self, tag: str, content: Any, after: float) -> None:
        from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

        data = SummaryMetadata.PluginData(plugin_name=_PLUGIN, content=content.SerializeToString())
        value = Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=data))
        self._write(after, summary=Summary(value=[value]))

    def _write(self, after: float = 0.0, **fields: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._writer.write(Event(wall_time=self._started + after, **fields).SerializeToString())
