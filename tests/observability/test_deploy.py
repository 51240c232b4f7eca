"""What deploy/ holds names what the store has."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from observability.families import all_families
from tests.servers import ROOT

DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
COLLECTOR = ROOT / "deploy/otel-collector"
PAGE = ROOT / "docs/operations/observability.md"


def measured() -> set[str]:
    return {family.name for family in all_families()}


def without_ends(names: set[str]) -> set[str]:
    """Drop the ends that a histogram's series have."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def test_the_dashboard_asks_for_metrics_that_there_are(db: Any):
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {
        name
        for panel in panels
        for target in panel.get("targets", ())
        for name in re.findall(r"objectstore_\w+", target["expr"])
    }
    assert asked
    assert without_ends(asked) <= measured()
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_page_names_every_metric_and_no_other(db: Any):
    table = [row for row in PAGE.read_text().splitlines() if row.startswith("| `obj")]
    named = set(re.findall(r"`(objectstore_\w+)`", "\n".join(table)))
    assert named == measured()


def test_the_collector_takes_what_the_store_sends_and_keeps_it_in_clickhouse():
    config = yaml.safe_load((COLLECTOR / "config.yaml").read_text())
    for signal in ("traces", "metrics", "logs"):
        pipeline = config["service"]["pipelines"][signal]
        assert pipeline["receivers"] == ["otlp"]
        assert pipeline["exporters"] == ["clickhouse"]
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind])
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(
        ":4318"
    )


def test_the_compose_file_shows_clickhouse_and_the_collector_to_this_machine_alone():
    file = COLLECTOR / "docker-compose-monitoring.yaml"
    services = yaml.safe_load(file.read_text())["services"]
    ports = {port for service in services.values() for port in service["ports"]}
    assert {"127.0.0.1:8123:8123", "127.0.0.1:4318:4318"} <= ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert (COLLECTOR / "config.yaml").exists()
