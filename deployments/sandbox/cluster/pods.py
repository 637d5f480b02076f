"""Pods, the nodes they run on, and the events that say why one does not run."""

from __future__ import annotations

import copy
import hashlib
import uuid
from typing import NamedTuple

from deployments.sandbox.cluster.errors import Json
from deployments.sandbox.cluster.objects import now

GPU_NODE, CPU_NODE = "gke-sandbox-gpu-pool-0", "gke-sandbox-default-pool-0"
OOM_KILLED = "OOMKilled"
"""A phase of ours for a failed pod whose container needed more memory than it may have."""
NO_GPU = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."


class Owner(NamedTuple):
    """Who a new object belongs to."""

    reference: Json
    namespace: str

    def of_new(self, name: str) -> Json:
        """The metadata of an object made for this owner."""
        uid = str(uuid.uuid5(uuid.UUID(self.reference["uid"]), name))
        return {"uid": uid, "creationTimestamp": now(), "ownerReferences": [self.reference]}


def owner_of(item: Json) -> Owner:
    """The owner reference to an object."""
    meta = item["metadata"]
    reference = {"apiVersion": item["apiVersion"], "kind": item["kind"], "name": meta["name"], "uid": meta["uid"]}
    return Owner(reference | {"controller": True, "blockOwnerDeletion": True}, meta["namespace"])


def new_pod(name: str, template: Json, owner: Owner) -> Json:
    """A pod of a template, without its status."""
    given = template.get("metadata") or {}
    metadata = {"name": name, "namespace": owner.namespace, "labels": given.get("labels") or {}, **owner.of_new(name)}
    if given.get("annotations"):
        metadata["annotations"] = given["annotations"]
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": copy.deepcopy(template["spec"])}


def pod_status(pod: Json, phase: str, why: str = NO_GPU) -> Json:
    """The status of a pod in a phase; a pod that is not pending gets its node, in its own spec. `why` it is pending."""
    at = pod["metadata"]["creationTimestamp"]
    if phase == "Pending":
        message = {"reason": "Unschedulable", "message": why}
        condition = {"type": "PodScheduled", "status": "False", "lastTransitionTime": at, **message}
        return {"phase": phase, "qosClass": "BestEffort", "conditions": [condition]}
    wants_gpu = any("nvidia.com/gpu" in str(one.get("resources")) for one in pod["spec"]["containers"])
    pod["spec"].setdefault("nodeName", GPU_NODE if wants_gpu else CPU_NODE)
    ready = phase == "Running"
    states = {
        "Running": {"running": {"startedAt": at}},
        "Succeeded": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": now()}},
        "Failed": {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": at, "finishedAt": now()}},
        OOM_KILLED: {"terminated": {"exitCode": 137, "reason": OOM_KILLED, "startedAt": at, "finishedAt": now()}},
    }
    containers = [
        {
            "name": one["name"], "image": one["image"], "imageID": pulled(one["image"]), "ready": ready, "started": ready,
            "restartCount": 0, "state": states[phase],
        }
        for one in pod["spec"]["containers"]
    ]  # fmt: skip
    conditions = [
        {"type": kind, "status": "True" if good else "False", "lastTransitionTime": at}
        for kind, good in (("PodScheduled", True), ("Initialized", True), ("ContainersReady", ready), ("Ready", ready))
    ]
    return {
        "phase": phase.replace(OOM_KILLED, "Failed"), "qosClass": "BestEffort", "startTime": at, "podIP": "10.0.0.1", "hostIP": "10.128.0.2",
        "conditions": conditions, "containerStatuses": containers,
    }  # fmt: skip


def pulled(image: str) -> str:
    """The image by its digest, as a node says it after pulling (`imageID`). A tag always stands for the same one."""
    if "@" in image:
        return image
    path, slash, last = image.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def new_event(about: Json, reason: str, message: str, source: str = "default-scheduler") -> Json:
    """Something that happened to an object, as in FailedScheduling; one event an object and reason."""
    meta = about["metadata"]
    involved = {"kind": about["kind"], "apiVersion": about["apiVersion"]}
    involved |= {key: meta[key] for key in ("name", "namespace", "uid")}
    return {
        "kind": "Event", "apiVersion": "v1",
        "metadata": {
            "name": f"{meta['name']}.{reason.lower()}", "namespace": meta["namespace"], "uid": str(uuid.uuid4()),
            "creationTimestamp": now(),
        },
        "involvedObject": involved, "type": "Normal" if "Trigger" in reason else "Warning", "reason": reason,
        "message": message, "source": {"component": source}, "reportingComponent": source,
        "firstTimestamp": meta["creationTimestamp"], "lastTimestamp": now(), "count": 1,
    }  # fmt: skip


def new_node(name: str, pool: str, machine: str, cpus: int, zone: str, accelerator: str, gpu: int) -> Json:
    """A node of a pool, ready, with `gpu` GPUs of that kind."""
    labels = {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "cloud.google.com/gke-nodepool": pool, "node.kubernetes.io/instance-type": machine,
        "topology.kubernetes.io/region": zone.rpartition("-")[0], "topology.kubernetes.io/zone": zone,
    }  # fmt: skip
    room = {"cpu": str(cpus), "memory": f"{cpus * 4}Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    spec: Json = {"providerID": f"gce://sandbox-project/{zone}/{name}"}
    if gpu:
        labels |= {"cloud.google.com/gke-accelerator": accelerator, "node_type": "gpu"}
        room["nvidia.com/gpu"] = str(gpu)
        spec["taints"] = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    times = {"lastHeartbeatTime": now(), "lastTransitionTime": now()}
    info = {
        "kubeletVersion": "v1.34.0", "osImage": "Container-Optimized OS", "architecture": "amd64",
        "operatingSystem": "linux", "kernelVersion": "6.6", "containerRuntimeVersion": "containerd://1.7",
        "bootID": "", "machineID": "", "systemUUID": "", "kubeProxyVersion": "",
    }  # fmt: skip
    address = [{"type": "InternalIP", "address": "10.128.0.2"}, {"type": "Hostname", "address": name}]
    status = {
        "capacity": room,
        "allocatable": room,
        "conditions": [ready | times],
        "nodeInfo": info,
        "addresses": address,
    }
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": status,
    }
