"""Values that all packages share: trials, studies, events, seeds, errors and files."""
