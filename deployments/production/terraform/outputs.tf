output "flows_account" {
  description = "Google's account of flow runs: annotation of the cluster's account remediation-flows."
  value       = google_service_account.flows.email
}

output "receiver_account" {
  description = "Google's account of the receiver: annotation of the cluster's account remediation-receiver."
  value       = google_service_account.receiver.email
}

output "push_account" {
  description = "RECEIVER_ACCOUNT: whose token the receiver lets in."
  value       = google_service_account.push.email
}

output "audience" {
  description = "RECEIVER_AUDIENCE: for whom that token is made."
  value       = var.receiver_url
}

output "receiver_channel" {
  description = "Notification channel to name in alert policies that the receiver shall know of."
  value       = google_monitoring_notification_channel.receiver.id
}

output "subscription" {
  description = "For the receiver in the environment block: the subscription that pushes to it."
  value       = google_pubsub_subscription.push.id
}

output "buckets" {
  description = "Names for the environment block."
  value = {
    data   = var.data_bucket
    ops    = google_storage_bucket.ops.name
    backup = google_storage_bucket.backup.name
  }
}
