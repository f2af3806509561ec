"""The Python API: requests in, results out. `import tuner` has its public names."""
