"""Confidence: the constants that make the figures shown beside labels as right as they say."""
