"""Migrations of the database's schema, run by Alembic; `env` is its entry point."""
