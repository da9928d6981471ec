"""A run: its loop and progress, and what its files hold, how they grow, and which model they belong to."""
