"""Studies: planning, execution, recording and resumption."""
