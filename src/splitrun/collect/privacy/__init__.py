"""What is not kept: what people did not allow, and what a project has not declared."""
