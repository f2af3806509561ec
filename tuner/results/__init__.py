"""Results of studies: summaries, tables, exports, figures and reports."""
