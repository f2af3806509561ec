"""Tests of the documents and of docker/."""
