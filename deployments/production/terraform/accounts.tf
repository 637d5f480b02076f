# Three accounts: one for flow runs, one for the receiver, and one that only proves who pushes. No account has a key.
resource "google_service_account" "flows" {
  account_id   = "remediation-flows"
  display_name = "Remediation: flow runs"
}

resource "google_service_account" "receiver" {
  account_id   = "remediation-receiver"
  display_name = "Remediation: event receiver"
}

# Has no right to anything: its token says to the receiver that the request is our subscription's.
resource "google_service_account" "push" {
  account_id   = "remediation-push"
  display_name = "Remediation: push to the receiver"
}

# The cluster's accounts act as Google's, without a key.
resource "google_service_account_iam_member" "workload" {
  for_each = {
    "remediation-flows"    = google_service_account.flows.name
    "remediation-receiver" = google_service_account.receiver.name
  }
  service_account_id = each.value
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project}.svc.id.goog[${var.kubernetes_namespace}/${each.key}]"
}

# Pub/Sub makes the token.
resource "google_service_account_iam_member" "push_token" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}
