"""Stages, their journal, the plan and its execution; knows no room."""
