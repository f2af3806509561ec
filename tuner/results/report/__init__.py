"""The report: one HTML file on the runs of a database.

It needs no network and no other file.
"""

from tuner.results.report.document import document
from tuner.results.report.runs import ComparisonRun, SearchRun

__all__ = ["ComparisonRun", "SearchRun", "document"]
