"""Plain HTML forms for people who have no session yet: sign-in, setup, password reset."""
