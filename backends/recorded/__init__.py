"""Steps as lists of operations on traced arrays: recorded once, before a step is taken, whatever backend takes it."""
