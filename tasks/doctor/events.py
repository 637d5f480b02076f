"""The road of an event: the data bucket tells a topic, its subscription pushes, and the receiver starts a run in Prefect."""

from __future__ import annotations

from urllib.parse import urlsplit

from blocks.bucket_facts import notifications
from blocks.delivery import SubscriptionFacts
from blocks.errors import TemporaryError
from blocks.receiver import EventReceiver
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.pipeline.deployed import Deployed

NOT_LOOKED_AT = Code(
    "events-not-looked-at",
    "note",
    "The environment does not name it, so nothing is known of it: it may be there and well.",
    "Name url and subscription in the environment's receiver block (docs/deploy.md, 'The environment block').",
)
NO_ANSWER = Code(
    "receiver-no-answer",
    "unknown",
    "It is down, or cannot be reached from where the doctor runs. While it is down Pub/Sub keeps the events and tries again.",
    "Run the deployment doctor, which runs beside it; look at the receiver's log, and correct url of the receiver block.",
)
KEEPS_NOTHING = Code(
    "receiver-keeps-nothing",
    "error",
    "It turns every event away, as it cannot write it to its disk: no failure starts a recovery.",
    "Look at the receiver's log and at the volume of its spool.",
)
NO_PREFECT = Code(
    "receiver-without-prefect",
    "error",
    "Events are kept on its disk and start nothing until Prefect answers it.",
    "See whether the Prefect server runs, and PREFECT_API_URL and the password of the receiver.",
)
NO_SUBSCRIPTION = Code(
    "event-subscription-missing",
    "error",
    "No event reaches the receiver: failures start nothing, and only the sweep finds them.",
    "Make it (deployments/production/terraform/events.tf), or correct its name in the receiver block.",
)
CUT_OFF = Code(
    "event-subscription-cut-off",
    "error",
    "A subscription whose topic was deleted, or that was detached from it, is never told anything again, whatever is "
    "published to a topic of the same name.",
    "Delete it, and make topic and subscription again (deployments/production/terraform/events.tf).",
)
NOT_PUSHED = Code(
    "event-not-pushed",
    "error",
    "Nobody pulls from it, so events wait in it for as long as it keeps them, and then they are lost.",
    "Let it push to /pubsub of the receiver: `gcloud pubsub subscriptions modify-push-config`.",
)
ELSEWHERE = Code(
    "event-pushed-elsewhere",
    "warning",
    "The receiver understands Pub/Sub at /pubsub only, and answers 404 elsewhere, unless something before it changes the path.",
    "Let it push to /pubsub of the receiver: `gcloud pubsub subscriptions modify-push-config`.",
)
UNSIGNED = Code(
    "event-push-unsigned",
    "warning",
    "A receiver that others can reach lets only Google's token in, and answers 401 to a push without one.",
    "Set its push authentication: `gcloud pubsub subscriptions modify-push-config --push-auth-service-account=...`.",
)
AT_ONCE = Code(
    "event-retried-at-once",
    "warning",
    "Without a retry policy what was not taken is tried again at once: a receiver that is away for a minute uses up the tries.",
    "Set one: `gcloud pubsub subscriptions update --min-retry-delay=10s --max-retry-delay=600s`.",
)
NO_DEAD_LETTER = Code(
    "event-no-dead-letter",
    "warning",
    "What cannot be delivered is lost, and nobody is told, when it has waited for as long as the subscription keeps it.",
    "Name a second topic: `gcloud pubsub subscriptions update --dead-letter-topic=...` (docs/deploy.md).",
)
BUCKET_SILENT = Code(
    "event-bucket-silent",
    "error",
    "The receiver hears of no failure marker: a stage that failed starts no recovery, and only the sweep finds it.",
    "Make the notification: `gcloud storage buckets notifications create gs://BUCKET --topic=TOPIC "
    "--event-types=OBJECT_FINALIZE --object-prefix=scenes/`.",
)
CODES = (
    NOT_LOOKED_AT, NO_ANSWER, KEEPS_NOTHING, NO_PREFECT, NO_SUBSCRIPTION, CUT_OFF, NOT_PUSHED, ELSEWHERE, UNSIGNED,
    AT_ONCE, NO_DEAD_LETTER, BUCKET_SILENT,
)  # fmt: skip
PATHS = ("/pubsub", "/cloudevents")
"""Where the receiver takes what Pub/Sub and Eventarc push (docs/events.md, 'The roads')."""
DELETED = "_deleted-topic_"


def look_at_events(deployed: Deployed, look: Look) -> None:
    """The receiver, its subscription, and whether the data bucket tells that one's topic."""
    receiver = deployed.environment.receiver
    judge_receiver(receiver, look)
    name = receiver.subscription
    if not name:
        look.say(NOT_LOOKED_AT, "subscription", "Not looked at: the subscription that pushes to the receiver.")
        return
    with look.asking(name):
        facts = deployed.environment.delivery.facts(name)
        if not look.judge(NO_SUBSCRIPTION, name, f"The subscription {name} does not exist.", facts is None):
            assert facts is not None
            judge_subscription(name, facts, look)
            judge_bucket(deployed, facts.topic, look)


def judge_receiver(receiver: EventReceiver, look: Look) -> None:
    """Whether it can keep events and reach Prefect."""
    try:
        troubles = receiver.troubles()
    except TemporaryError as error:
        look.say(NO_ANSWER, receiver.url, str(error))
        return
    if troubles is None:
        look.say(NOT_LOOKED_AT, "receiver", "Not looked at: the receiver of events.")
        return
    for what, code in (("spool", KEEPS_NOTHING), ("prefect", NO_PREFECT)):
        said = f"The receiver at {receiver.url} says of its {what}: {troubles.get(what)}"
        look.judge(code, receiver.url, said, troubles.get(what))


def judge_subscription(name: str, facts: SubscriptionFacts, look: Look) -> None:
    """Whether what is told to its topic comes to the receiver, and what becomes of it when that is away."""
    short = name.rpartition("/")[2]
    why = "is detached from its topic" if facts.detached else "has no topic: somebody deleted it"
    look.judge(CUT_OFF, name, f"The subscription {short} {why}.", facts.detached or facts.topic == DELETED)
    if not look.judge(NOT_PUSHED, name, f"The subscription {short} pushes to nobody.", not facts.endpoint):
        path = urlsplit(facts.endpoint).path
        said = f"The subscription {short} pushes to {facts.endpoint}."
        look.judge(ELSEWHERE, name, said, not path.endswith(PATHS))
        look.judge(UNSIGNED, name, f"What the subscription {short} pushes carries no token.", not facts.account)
    look.judge(AT_ONCE, name, f"The subscription {short} has no retry policy.", not facts.backs_off)
    look.judge(NO_DEAD_LETTER, name, f"The subscription {short} has no dead-letter topic.", not facts.dead_letter_topic)


def judge_bucket(deployed: Deployed, topic: str, look: Look) -> None:
    """Whether new objects of scenes are told to the topic. One that is told of some of them only is left alone."""
    bucket, root = deployed.environment.data_bucket, deployed.catalogue.scene_root.partition("{")[0]
    if not bucket or topic == DELETED or not deployed.bucket(bucket).protection.exists:
        return
    short = topic.rpartition("/")[2]
    told = [one for one in notifications(deployed.environment.storage, bucket) if one.topic == short]
    heard = [one for one in told if not one.event_types or "OBJECT_FINALIZE" in one.event_types]
    reached = any(root.startswith(one.prefix) or one.prefix.startswith(root) for one in heard)
    said = f"The data bucket {bucket} tells topic {short} of no new object below {root}."
    look.judge(BUCKET_SILENT, bucket, said, not reached)
