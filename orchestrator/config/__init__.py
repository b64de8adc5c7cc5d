"""What the user and the project set: themes and the environment."""
