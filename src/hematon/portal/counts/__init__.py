"""What blood counts mean, in plain words. Never a verdict: nothing here may see the engine."""
