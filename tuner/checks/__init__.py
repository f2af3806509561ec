"""One suite of checks that a task keeps its protocol, for the tasks that ship and for users' own."""
