"""What came of studies: summaries, tables, exports and figures, from frozen values alone."""
