"""Where and how candidates run: executors that own their failures."""
