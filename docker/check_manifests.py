"""Whether the KubeRay manifests are what Kubernetes and KubeRay take: `python docker/check_manifests.py`.

KubeRay's own schema is in no package, so that its fields are checked by name alone. The pods within are Kubernetes' own
and are checked against its schema in full, strictly: a field that there is not fails.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

FOLDER = Path(__file__).parent / "kuberay"

JOB = {
    *("entrypoint", "submissionMode", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished"),
    *("rayClusterSpec", "runtimeEnvYAML", "activeDeadlineSeconds", "clusterSelector", "submitterPodTemplate"),
    *("metadata", "jobId", "suspend", "entrypointNumCpus", "entrypointNumGpus", "entrypointResources"),
}
CLUSTER = {
    *("rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"),
    *("enableInTreeAutoscaling", "autoscalerOptions", "gcsFaultToleranceOptions", "suspend", "headServiceAnnotations"),
}
HEAD = {"rayStartParams", "template", "serviceType", "headService", "enableIngress"}
WORKERS = {
    *("groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"),
    *("numOfHosts", "idleTimeoutSeconds", "suspend", "scaleStrategy"),
}


def main() -> int:
    """Check every manifest; return the exit code."""
    mistakes = [
        f"{path.name}: {mistake}"
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        for mistake in mistakes_of(document)
    ]
    print("\n".join(mistakes), file=sys.stderr, end="\n" if mistakes else "")
    return 1 if mistakes else 0


def mistakes_of(document: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a manifest, one line each."""
    match document.get("apiVersion"), document.get("kind"):
        case "ray.io/v1", "RayCluster":
            yield from _cluster(document["spec"])
        case "ray.io/v1", "RayJob":
            yield from _unknown("spec", document["spec"], JOB)
            yield from _cluster(document["spec"]["rayClusterSpec"])
        case _:
            yield from _of_kubernetes("", document)


def _cluster(spec: dict[str, Any]) -> Iterator[str]:
    yield from _unknown("cluster", spec, CLUSTER)
    yield from _unknown("headGroupSpec", spec["headGroupSpec"], HEAD)
    groups = [("head", spec["headGroupSpec"])]
    for group in spec["workerGroupSpecs"]:
        yield from _unknown(group["groupName"], group, WORKERS)
        groups.append((group["groupName"], group))
    for name, group in groups:
        wrong = [key for key, value in group["rayStartParams"].items() if not isinstance(value, str)]
        yield from (f"{name}: rayStartParams are strings; {key} is none" for key in wrong)
        pod = {"apiVersion": "v1", "kind": "Pod", **group["template"]}
        yield from _of_kubernetes(f"{name}: ", {**pod, "metadata": {"name": name, **pod.get("metadata", {})}})


def _unknown(where: str, found: dict[str, Any], known: set[str]) -> Iterator[str]:
    yield from (f"{where}: KubeRay knows no {key!r}" for key in sorted(found.keys() - known))


def _of_kubernetes(where: str, resource: dict[str, Any]) -> Iterator[str]:
    try:
        kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{where}{'/'.join(map(str, error.path))}: {error.message}"


if __name__ == "__main__":
    sys.exit(main())
