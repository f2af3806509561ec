"""Values that every room shares: trials, studies, events, seeds, errors, files."""
