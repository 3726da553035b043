"""Designs for known populations: who gets which variant when all units are known beforehand.

Rules: every draw comes from `dice.Dice`, whose seed is written down; units are taken in the order of
their ids, so that shuffled rows give the same assignment; every unit's chance of a variant is its weight,
exactly, and where a design cannot promise that, its notes say so.
"""
