"""What several pages are made of.

Decision: a component builds its elements once, with skeletons where figures will stand, and has a `show` that puts
newer values into those same elements. So a refresh never flickers, moves focus or closes a dialog.
"""
