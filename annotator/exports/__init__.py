"""Approved masks on their way out, one form a file; what is to be written comes from `annotator.domain.exports`."""
