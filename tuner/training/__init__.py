"""Training of one cohort: the compiled loop, and what is measured on the way."""
