"""Judging by people's eyes: trials of pictures, their answers, and what those say."""
