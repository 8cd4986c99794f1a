"""Paperland: the world, the trainer and the score of imagined's built-in model."""
