"""A service of lodo-tune as another program sees and steers it."""
