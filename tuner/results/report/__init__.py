"""A report: one HTML file on the runs of a database, which needs no network and nothing beside it."""

from tuner.results.report.document import document
from tuner.results.report.runs import ComparisonRun, SearchRun

__all__ = ["ComparisonRun", "SearchRun", "document"]
