"""Sample profiles: converting, judging, provenance."""
