"""The Python API: functions and values that `import tuner` publishes."""
