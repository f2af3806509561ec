"""The service: HTTP API, pages and supervisor."""
