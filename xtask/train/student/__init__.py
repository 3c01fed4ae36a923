"""The student: musicnn's cheaper rearrangement, distilled, and the layers that are computed from it."""
