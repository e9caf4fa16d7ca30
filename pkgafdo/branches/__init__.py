"""The waist: tables of branch records, and nothing that starts a program."""
