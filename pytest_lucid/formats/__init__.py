"""Test files of other programs, read as they are: what they ask, and when an answer satisfies them.

No engine is asked here, and no pytest is needed: `tested` says what can be asked, and who asks is not decided here.
"""
