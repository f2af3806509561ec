"""Results of studies: summaries, tables, exports and figures of frozen values."""
