"""Bundled small data (handwritten digits) and the scripts that ``assay demo`` runs."""
