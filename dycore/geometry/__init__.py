"""What a grid is made of (`dycore.grid` makes it): coordinates, places on the sphere, metrics, and the thickness of columns."""
