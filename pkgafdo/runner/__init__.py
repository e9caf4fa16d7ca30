"""The one door to other programs; the only importer of plumbum."""
