"""Studies: planned, driven, recorded, resumed."""
