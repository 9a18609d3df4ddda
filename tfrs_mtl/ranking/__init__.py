"""The multi-task ranking model: shared encoder, an architecture, a head a task, a loss balance."""
