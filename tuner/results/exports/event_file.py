"""A TensorBoard event file: scalars by step, and a session of the HParams tab."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

MAX_FLOAT32 = 3.4028234663852886e38  # TensorBoard keeps scalars in float32
_PLUGIN = "hparams"  # name, tags and version of TensorBoard's plugin
_STARTS, _ENDS = "_hparams_/session_start_info", "_hparams_/session_end_info"


class EventFile:
    """A new event file, which is written to the disk when it is closed.

    Args:
        folder: Folder of a run of TensorBoard; created if missing.
        started: Start of the run, in seconds since 1970.
    """

    def __init__(self, folder: Path, started: float) -> None:
        from tensorboardX.record_writer import RecordWriter  # takes 0.2 s

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
        """Write a value, unless it is not finite in float32.

        Args:
            tag: Name of the scalar.
            step: Position on the horizontal axis.
            value: Value.
            after: Seconds since the start of the run. Default 0.
        """
        from tensorboardX.proto.summary_pb2 import Summary

        if math.isfinite(value) and abs(value) <= MAX_FLOAT32:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            self._write(after, step=step, summary=summary)

    def session(self, hyperparameters: Mapping[str, float | str | bool], *, finished: bool, seconds: float) -> None:
        """Write a session of the HParams tab: its hyperparameters and how it ended.

        Args:
            hyperparameters: Columns of the tab; numbers are kept in float64.
            finished: Whether it finished; otherwise it failed.
            seconds: Duration.
        """
        from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

        start = SessionStartInfo(start_time_secs=self._started)
        for name, value in hyperparameters.items():
            if isinstance(value, bool):
                start.hparams[name].bool_value = value
            elif isinstance(value, str):
                start.hparams[name].string_value = value
            else:
                start.hparams[name].number_value = value
        # 1 is success, 2 is failure.
        end = SessionEndInfo(status=1 if finished else 2, end_time_secs=self._started + seconds)
        self._of_plugin(_STARTS, HParamsPluginData(version=0, session_start_info=start), 0.0)
        self._of_plugin(_ENDS, HParamsPluginData(version=0, session_end_info=end), seconds)

    def _of_plugin(self, tag: str, content: Any, after: float) -> None:
        from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

        data = SummaryMetadata.PluginData(plugin_name=_PLUGIN, content=content.SerializeToString(deterministic=True))
        value = Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=data))
        self._write(after, summary=Summary(value=[value]))

    def _write(self, after: float = 0.0, **fields: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._writer.write(Event(wall_time=self._started + after, **fields).SerializeToString())
