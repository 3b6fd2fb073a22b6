"""Data sets: a file each in `sets`, the forms that they come in in `formats`, and pictures that stand for them.

The modules here are what sets have in common: sources of images, sampling, and what benchmarks are given. Imports go
one way: these modules, `formats`, `rendered`, `sets`, `stand_ins`.
"""
