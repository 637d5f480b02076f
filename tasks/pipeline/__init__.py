"""What several procedures know of the pipeline: what is at work, which locks are held, how starts are labelled."""
