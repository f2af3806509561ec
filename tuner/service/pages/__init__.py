"""Pages for a browser: made on the server, readable without JavaScript."""
