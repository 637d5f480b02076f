"""Scenes for trials: a synthetic reconstruction that the pipeline can make a scene of."""
