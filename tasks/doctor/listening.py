"""Whom the ops and backup buckets tell of their objects, and whether the triggers' subscriptions deliver."""

from __future__ import annotations

from blocks.bucket_facts import notifications
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.doctor.triggers import own_buckets, seen
from tasks.pipeline.deployed import Deployed

OWN_NOTIFICATION = Code(
    "notification-on-own-bucket",
    "error",
    "Every journal entry, lease and copy that a remediation writes is told to whoever listens to that topic.",
    "Delete it: `gcloud storage buckets notifications delete projects/_/buckets/BUCKET/notificationConfigs/ID`.",
)
NO_SUBSCRIPTION = Code(
    "subscription-missing",
    "error",
    "The trigger looks deployed and delivers nothing: its events are lost.",
    "Delete the trigger and create it again; Eventarc makes its subscription with it.",
)
HELD = Code(
    "delivery-held",
    "warning",
    "Markers start nothing while delivery is held, and what waits longer than the subscription keeps it is lost.",
    "See who holds it: `remediate intake status` and the flow hold-watch. With mode apply hold-watch gives it back.",
)
CODES = (OWN_NOTIFICATION, NO_SUBSCRIPTION, HELD)


def look_at_listening(deployed: Deployed, look: Look) -> None:
    """Notifications of our own buckets, then the subscriptions of the data bucket's triggers."""
    for bucket, role in own_buckets(deployed).items():
        with look.asking(bucket):
            if not deployed.bucket(bucket).protection.exists:
                continue
            told = notifications(deployed.environment.storage, bucket)
            for one in told:
                said = f"The {role} bucket {bucket} tells topic {one.topic} of its objects (notification {one.id})."
                look.say(OWN_NOTIFICATION, bucket, said)
            look.good += not told
    for trigger in seen(deployed):
        if trigger.bucket != deployed.environment.data_bucket or not trigger.subscription:
            continue
        with look.asking(trigger.subscription):
            config = deployed.environment.delivery.push_config(trigger.subscription)
            said = f"Subscription {trigger.subscription} of trigger {trigger.name} does not exist."
            if not look.judge(NO_SUBSCRIPTION, trigger.name, said, config is None):
                look.judge(HELD, trigger.name, f"The delivery of trigger {trigger.name} is held.", not config)
