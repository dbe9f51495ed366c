"""The rules a programme sets and signs: thresholds, promises, ages, ratings, retention."""
