"""What stands on a screen. Widgets know nobody: lines go in, messages come out."""
