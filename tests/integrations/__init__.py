"""Tests of tuner/integrations."""
