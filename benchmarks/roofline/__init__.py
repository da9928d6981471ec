"""A roofline of one core: what it can do at most, what a step asks of it, and how near each competitor comes.

    ceilings.py, kernels.py   what the core can do, measured: bandwidth of its caches and of memory, arithmetic, instructions
    flops.py                  floating-point operations of a step, counted in its jaxpr
    instructions.py           instructions, loads, stores and misses of a step, counted by valgrind
    standings.py              the time that each ceiling allows for these counts, beside what each competitor takes
    tables.py, picture.py     how that is shown
"""
