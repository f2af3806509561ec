"""Whether a task keeps the promises of its protocol: one suite for those that ship and for users' own."""
