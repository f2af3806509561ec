"""Migrations of the database's schema, run by Alembic from within the program; `env` is its entrance."""
