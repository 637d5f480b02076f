# Journals, leases, quarantined copies. No retention: a lease could not be given back. No trigger listens to it.
resource "google_storage_bucket" "ops" {
  name                        = var.ops_bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }
  soft_delete_policy {
    retention_duration_seconds = 604800
  }
  # Leases are replaced several times a minute; their old versions are worth nothing after some days.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 7
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }
  lifecycle {
    prevent_destroy = true
  }
}

# Lock the retention by hand once you trust it (docs/deploy.md): a lock cannot be taken back.
resource "google_storage_bucket" "backup" {
  name                        = var.backup_bucket
  location                    = var.backup_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  retention_policy {
    retention_period = var.backup_retention_days * 86400
  }
  soft_delete_policy {
    retention_duration_seconds = 1209600
  }
  lifecycle {
    prevent_destroy = true
  }
}

# Flow runs: the objects, and how the bucket is protected. Not who may use them, which roles/storage.objectAdmin allows.
resource "google_storage_bucket_iam_member" "objects" {
  for_each = merge(
    { data = var.data_bucket, ops = google_storage_bucket.ops.name },
    var.backups_expire ? { backup = google_storage_bucket.backup.name } : {},
    var.restore_terraform_state ? { state = var.terraform_state_bucket } : {},
  )
  bucket = each.value
  role   = "roles/storage.objectUser"
  member = local.flows
}

resource "google_storage_bucket_iam_member" "protection" {
  for_each = {
    data   = var.data_bucket
    ops    = google_storage_bucket.ops.name
    backup = google_storage_bucket.backup.name
  }
  bucket = each.value
  role   = google_project_iam_custom_role.buckets.id
  member = local.flows
}

# Where nothing shall expire, flow runs may add to the backup and read it.
resource "google_storage_bucket_iam_member" "backup_adds" {
  for_each = var.backups_expire ? toset([]) : toset(["roles/storage.objectCreator", "roles/storage.objectViewer"])
  bucket   = google_storage_bucket.backup.name
  role     = each.value
  member   = local.flows
}

resource "google_storage_bucket_iam_member" "state" {
  count  = var.terraform_state_bucket == "" ? 0 : 1
  bucket = var.terraform_state_bucket
  role   = "roles/storage.objectViewer"
  member = local.flows
}

# The receiver looks whether a marker is there, and at the stops that a person has put there.
resource "google_storage_bucket_iam_member" "receiver" {
  bucket = var.data_bucket
  role   = "roles/storage.objectViewer"
  member = local.receiver
}

# Large copies are made by Storage Transfer Service, by its own agent.
data "google_storage_transfer_project_service_account" "agent" {}

resource "google_storage_bucket_iam_member" "transfer" {
  for_each = {
    "roles/storage.objectViewer"       = var.data_bucket
    "roles/storage.legacyBucketReader" = var.data_bucket
    "roles/storage.legacyBucketWriter" = google_storage_bucket.backup.name
  }
  bucket = each.value
  role   = each.key
  member = "serviceAccount:${data.google_storage_transfer_project_service_account.agent.email}"
}
