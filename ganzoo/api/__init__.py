"""The verbs as functions, one module each. The command line parses, calls these and prints; so does whoever imports
`ganzoo`.

Nothing here imports torch or numpy before a verb needs it.
"""
