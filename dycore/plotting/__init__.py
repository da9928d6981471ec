"""Ingredients of pictures (`dycore.pictures` draws them): fields in units of pictures, projections, cells of curved grids."""
