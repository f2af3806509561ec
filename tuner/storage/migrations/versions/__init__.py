"""Steps of the schema, one a file, each from the version before; a released step never changes."""
