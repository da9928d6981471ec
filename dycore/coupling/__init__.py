"""Couplings: this core within models of others, one file for each, with the optional package that it needs.

`dycore.coupling.jcm` makes an atmosphere of this core a dynamical core of JCM; `columns` has what it exchanges with physics.
"""
