"""Documents that are followed to the letter: what they tell a reader to type is typed here.

A fenced block is run when its language is ``sh``: ``sh lab`` and ``sh up`` go on in the background,
as in a terminal of their own. ``text`` blocks are for the reader alone.
"""
