# The road of an event: Cloud Storage, Cloud Logging and Cloud Monitoring tell one topic, whose subscription pushes to the
# receiver with a token that Google signs. What could not be delivered for 16 hours is kept in a second topic.
resource "google_pubsub_topic" "events" {
  name = "remediation-events"
}

resource "google_pubsub_topic" "undelivered" {
  name = "remediation-undelivered"
}

resource "google_pubsub_subscription" "push" {
  name                       = "remediation-push"
  topic                      = google_pubsub_topic.events.id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = "${var.receiver_url}/pubsub"
    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = var.receiver_url
    }
  }
  # A receiver that is away gets everything when it is back: 100 tries at growing distances last about 16 hours.
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.undelivered.id
    max_delivery_attempts = 100
  }
  # Else a subscription that is silent for a month is deleted.
  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription" "undelivered" {
  name                       = "remediation-undelivered"
  topic                      = google_pubsub_topic.undelivered.id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"
  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself moves a message to the second topic.
locals {
  pubsub = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "undelivered" {
  topic  = google_pubsub_topic.undelivered.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub
}

resource "google_pubsub_subscription_iam_member" "undelivered" {
  subscription = google_pubsub_subscription.push.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub
}

# Cloud Storage filters by prefix only; the receiver knows what a failure marker is.
data "google_storage_project_service_account" "agent" {}

resource "google_storage_notification" "objects" {
  for_each           = toset(["scenes/", "dead-letter/pending/"])
  bucket             = var.data_bucket
  topic              = google_pubsub_topic.events.id
  payload_format     = "JSON_API_V1"
  event_types        = ["OBJECT_FINALIZE"]
  object_name_prefix = each.value
  depends_on         = [google_pubsub_topic_iam_member.events]
}

locals {
  # One sink a kind of failure; what each entry means is said by the receiver's rules (docs/events.md).
  failures = {
    workflows = "resource.type=\"workflows.googleapis.com/Workflow\" AND jsonPayload.state=\"FAILED\""
    jobs      = "resource.type=\"cloud_run_job\" AND protoPayload.methodName=~\"Jobs.RunJob$\" AND severity>=ERROR"
    scale-up  = "resource.type=\"k8s_cluster\" AND logName:\"cluster-autoscaler-visibility\" AND jsonPayload.resultInfo.results.errorMsg.messageId=~\"^scale.up.error.(out.of.resources|quota.exceeded)$\""
    pods      = "resource.type=\"k8s_pod\" AND jsonPayload.reason=(\"FailedScaleUp\" OR \"Unhealthy\" OR \"BackOff\" OR \"OOMKilling\")"
    machines  = "resource.type=(\"gce_instance\" OR \"gce_instance_group_manager\") AND protoPayload.status.message=~\"ZONE_RESOURCE_POOL_EXHAUSTED|STOCKOUT|QUOTA_EXCEEDED|[Qq]uota '.*' exceeded\""
  }
}

resource "google_logging_project_sink" "failures" {
  for_each               = local.failures
  name                   = "remediation-${each.key}"
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.events.id}"
  filter                 = each.value
  unique_writer_identity = true
}

# Who may tell: Cloud Storage, the sinks, Cloud Monitoring. Nobody else.
resource "google_pubsub_topic_iam_member" "events" {
  for_each = merge(
    {
      storage    = "serviceAccount:${data.google_storage_project_service_account.agent.email_address}"
      monitoring = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
    },
    { for name, sink in google_logging_project_sink.failures : name => sink.writer_identity },
  )
  topic  = google_pubsub_topic.events.id
  role   = "roles/pubsub.publisher"
  member = each.value
}
