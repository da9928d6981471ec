"""Ingredients of a grid (`dycore.grid` makes it): coordinates, places on the sphere, metrics, and the thickness of columns."""
