"""Video visits: whether one suits, and the device test."""
