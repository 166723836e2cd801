"""Components that several pages use.

Decision: a component builds its elements once, with skeletons in place of figures, and has a `show` that writes newer
values into the same elements. So a refresh never flickers, moves the focus or closes a dialog.
"""
