# Alert policies reach the receiver through the same topic: a webhook of Cloud Monitoring cannot be signed, a push can.
# Name this channel in the policies of the pipeline that the receiver shall know of.
resource "google_monitoring_notification_channel" "receiver" {
  display_name = "Remediation receiver"
  type         = "pubsub"
  labels = {
    topic = google_pubsub_topic.events.id
  }
}

# These tell people: when events are not taken, the receiver is the last that could say so.
resource "google_monitoring_alert_policy" "not_taken" {
  display_name          = "Remediation: events are not taken"
  combiner              = "OR"
  notification_channels = var.people_channels

  conditions {
    display_name = "The oldest event has waited for ten minutes"
    condition_threshold {
      filter          = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.push.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      comparison      = "COMPARISON_GT"
      threshold_value = 600
      duration        = "60s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }
  conditions {
    display_name = "Events could not be delivered and lie in the second topic"
    condition_threshold {
      filter          = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.undelivered.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }
  documentation {
    content = "docs/deploy.md, 'When events are not taken'."
  }
}
