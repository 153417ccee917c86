"""Pictures, folders and archives that are awkward, made by a script, each with what is to be read of it.

The truth is from construction (arithmetic, see `writers`) or from a decoder that is not ours.
"""

from awkward import archives, colours, depths, formats, places, turns

CASES = [*depths.CASES, *colours.CASES, *formats.CASES, *turns.CASES, *places.CASES, *archives.CASES]
