"""Other people's models beside ours, on the nearest equal cases, in turn on one core.

    peer.py                           what a peer is, and how its programs answer
    mitgcm.py, veros.py, dinosaur.py  how each is found, built and run, with input of our own
    programs/                         those that the Python runs in which Veros or dinosaur is installed
    comparison.py                     samples in turn, and the table
    circulation.py                    transport, overturning and temperature of southern_channel beside those of Veros

Nothing of theirs is kept here: MITgcm is taken from a folder that the user names, the others from an environment of Python.
"""
