"""Values, processes and servers that several tests share."""
