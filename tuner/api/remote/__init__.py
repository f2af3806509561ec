"""A service of lodo-tune as seen from another program: its runs, and the verbs that steer them."""
