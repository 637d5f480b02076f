# What flow runs and the receiver may do in the project. docs/security.md has the same as a table, and a test compares.
locals {
  flows    = "serviceAccount:${google_service_account.flows.email}"
  receiver = "serviceAccount:${google_service_account.receiver.email}"
}

resource "google_project_iam_member" "flows" {
  for_each = toset([
    "roles/artifactregistry.reader",
    "roles/cloudscheduler.viewer",
    "roles/eventarc.viewer",
    "roles/logging.viewer",
    "roles/monitoring.viewer",
    "roles/run.viewer",
    "roles/storagetransfer.user",
    "roles/workflows.invoker",
    "roles/workflows.viewer",
  ])
  project = var.project
  role    = each.value
  member  = local.flows
}

# The receiver looks up on which scene a failed execution worked.
resource "google_project_iam_member" "receiver" {
  for_each = toset([
    "roles/run.viewer",
    "roles/workflows.viewer",
  ])
  project = var.project
  role    = each.value
  member  = local.receiver
}

# Predefined roles that may run jobs or pause schedulers may also change or delete them; these may not.
resource "google_project_iam_custom_role" "actions" {
  role_id = "remediationActions"
  title   = "Remediation: run jobs, pause schedulers"
  permissions = [
    "cloudscheduler.jobs.enable",
    "cloudscheduler.jobs.pause",
    "run.jobs.run",
    "run.jobs.runWithOverrides",
  ]
}

resource "google_project_iam_member" "actions" {
  project = var.project
  role    = google_project_iam_custom_role.actions.id
  member  = local.flows
}

# To see node pools and GPU quotas.
resource "google_project_iam_custom_role" "gpu_view" {
  role_id = "remediationGpuView"
  title   = "Remediation: see node pools and GPU quotas"
  permissions = [
    "compute.projects.get",
    "compute.regions.get",
    "container.clusters.get",
  ]
}

resource "google_project_iam_member" "gpu_view" {
  project = var.project
  role    = google_project_iam_custom_role.gpu_view.id
  member  = local.flows
}

# To change node pools. GKE has one permission for every change of a cluster.
resource "google_project_iam_custom_role" "gpu_pools" {
  role_id = "remediationGpuPools"
  title   = "Remediation: change node pools"
  permissions = [
    "container.clusters.update",
    "container.operations.get",
    "container.operations.list",
  ]
}

resource "google_project_iam_member" "gpu_pools" {
  count   = var.raise_node_pools ? 1 : 0
  project = var.project
  role    = google_project_iam_custom_role.gpu_pools.id
  member  = local.flows
}

# To read approval records. Firestore has no right for a single collection.
resource "google_project_iam_custom_role" "override_records" {
  role_id = "remediationOverrideRecords"
  title   = "Remediation: read approval records in Firestore"
  permissions = [
    "datastore.entities.get",
    "datastore.entities.list",
  ]
}

resource "google_project_iam_member" "override_records" {
  count   = var.read_override_records ? 1 : 0
  project = var.project
  role    = google_project_iam_custom_role.override_records.id
  member  = local.flows
}

# To see a bucket's protection without a right to change it.
resource "google_project_iam_custom_role" "buckets" {
  role_id     = "remediationBuckets"
  title       = "Remediation: see how a bucket is protected"
  permissions = ["storage.buckets.get"]
}

# To hold and release the delivery of events: given on the triggers' subscriptions, not on the project.
resource "google_project_iam_custom_role" "delivery" {
  role_id = "remediationDelivery"
  title   = "Remediation: hold and release the delivery of events"
  permissions = [
    "pubsub.subscriptions.consume",
    "pubsub.subscriptions.get",
    "pubsub.subscriptions.update",
  ]
}

resource "google_pubsub_subscription_iam_member" "delivery" {
  for_each     = var.trigger_subscriptions
  subscription = each.value
  role         = google_project_iam_custom_role.delivery.id
  member       = local.flows
}

# To see whether events are pushed to the receiver.
resource "google_project_iam_custom_role" "events_view" {
  role_id     = "remediationEventsView"
  title       = "Remediation: see the subscription of its own events"
  permissions = ["pubsub.subscriptions.get"]
}

resource "google_pubsub_subscription_iam_member" "events_view" {
  subscription = google_pubsub_subscription.push.name
  role         = google_project_iam_custom_role.events_view.id
  member       = local.flows
}

resource "google_project_iam_custom_role" "definitions" {
  role_id = "remediationDefinitions"
  title   = "Remediation: put recorded workflows and jobs back"
  permissions = [
    "run.jobs.create",
    "run.jobs.update",
    "run.operations.get",
    "workflows.operations.get",
    "workflows.workflows.create",
    "workflows.workflows.update",
  ]
}

resource "google_project_iam_member" "definitions" {
  count   = var.restore_definitions ? 1 : 0
  project = var.project
  role    = google_project_iam_custom_role.definitions.id
  member  = local.flows
}

# Who writes a subscription, a workflow or a job names the account it runs under, and must be allowed to.
resource "google_project_iam_custom_role" "act_as" {
  role_id     = "remediationActAs"
  title       = "Remediation: name the pipeline's accounts"
  permissions = ["iam.serviceAccounts.actAs"]
}

resource "google_service_account_iam_member" "act_as" {
  for_each           = var.pipeline_service_accounts
  service_account_id = "projects/${var.project}/serviceAccounts/${each.value}"
  role               = google_project_iam_custom_role.act_as.id
  member             = local.flows
}
