"""The pipeline, played: scenes, what each stage writes, how workflows run and fail, and named damages."""
