"""Migrations, one per version of the schema; a released migration never changes."""
