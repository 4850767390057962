"""What a workflow body is made of beside tasks."""
