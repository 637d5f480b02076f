"""The names that everything in the sandbox goes by. They are made up and the same in every sandbox."""

PROJECT = "sandbox-project"
REGION = "us-central1"
LOCATION = f"projects/{PROJECT}/locations/{REGION}"
LOCATIONS = ("us", REGION, "us-east1")
"""Where things can be made: a multi-region, the pipeline's own region, and another one."""
DATA_BUCKET = "sandbox-scenes"
OPS_BUCKET = "sandbox-ops"
BACKUP_BUCKET = "sandbox-backup"
GOOGLEAPIS = "https://www.googleapis.com"
"""What the links in storage events begin with."""
