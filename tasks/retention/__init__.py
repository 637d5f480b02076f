"""What the pipeline's own retention has removed and will remove: recorded, and told beforehand."""
