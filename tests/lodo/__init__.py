"""Tests of the room `lodo`."""
