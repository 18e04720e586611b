"""INT8 forms of a network: explicit Q/DQ, ranges from frames, sensitive layers left in float."""
