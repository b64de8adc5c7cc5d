"""What a task can do. Each kind stands alone and is found by its name."""
