"""The measurements and the model card."""
