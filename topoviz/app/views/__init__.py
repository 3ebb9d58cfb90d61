"""Layout builders: what stands where, without callbacks."""
