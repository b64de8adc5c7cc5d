"""What the APIs of models share: how they are asked, what their errors mean, what they cost."""
