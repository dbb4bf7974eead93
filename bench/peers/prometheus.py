"""Prometheus with the blackbox exporter, and the Alertmanager where somebody is to be told."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from bench.peers import CONTAINS, TIMEOUT_S, Target, Task, Watcher
from bench.processes import LOOPBACK, free_port, running, wait_for

EXPORTER = "prometheus-blackbox-exporter"
MODULE = "web"


@contextlib.contextmanager
def exporter(folder: Path, task: Task) -> Iterator[tuple[int, int]]:
    """Run the exporter alone; gives its process id and its port."""
    folder.mkdir(parents=True)
    http: dict[str, object] = {"preferred_ip_protocol": "ip4", "fail_if_body_not_matches_regexp": [CONTAINS]}
    if task.authority:
        http |= {"fail_if_not_ssl": True, "tls_config": {"ca_file": str(task.authority)}}
    module = {"prober": "http", "timeout": f"{TIMEOUT_S}s", "http": http}
    (folder / "blackbox.yml").write_text(json.dumps({"modules": {MODULE: module}}), encoding="utf-8")
    port = free_port()
    argv = [EXPORTER, f"--config.file={folder}/blackbox.yml", f"--web.listen-address={LOOPBACK}:{port}"]
    with running([*argv, "--log.level=error"], folder) as pid:
        wait_for(port)
        yield pid, port


def address_of(task: Task, target: Target) -> str:
    """Return the address that the exporter is asked to look at; the name is told beside it."""
    return f"http{'s' if task.authority else ''}://{target.address}:{target.port}/"


@contextlib.contextmanager
def _run(folder: Path, task: Task) -> Iterator[list[int]]:
    with exporter(folder, task) as (first, port), contextlib.ExitStack() as stack:
        settings = _settings(task, port)
        pids = [first]
        if task.told:
            own = free_port()
            pids.append(stack.enter_context(_alertmanager(folder, task.told, own)))
            settings |= _alerting(folder, own)
        (folder / "prometheus.yml").write_text(json.dumps(settings), encoding="utf-8")
        argv = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        argv += [f"--web.listen-address={LOOPBACK}:{free_port()}", "--log.level=error"]
        yield [*pids, stack.enter_context(running(argv, folder))]


def _settings(task: Task, port: int) -> dict[str, object]:
    job = {
        "job_name": "sites",
        "metrics_path": "/probe",
        "params": {"module": [MODULE]},
        "static_configs": [
            {"targets": [target.name], "labels": {"__param_target": address_of(task, target)}}
            for target in task.targets
        ],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_hostname"},
            {"source_labels": ["__address__"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": f"{LOOPBACK}:{port}"},
        ],
    }
    # Rules are judged every second: at the interval of the scrapes, an alert would wait for both.
    every = {"scrape_interval": f"{task.every_s}s", "scrape_timeout": f"{min(task.every_s, TIMEOUT_S + 1)}s"}
    return {"global": {**every, "evaluation_interval": "1s"}, "scrape_configs": [job]}


def _alerting(folder: Path, alertmanager: int) -> dict[str, object]:
    rule = {"alert": "SiteDown", "expr": "probe_success == 0"}
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "sites", "rules": [rule]}]}), encoding="utf-8")
    return {
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{LOOPBACK}:{alertmanager}"]}]}]},
    }


@contextlib.contextmanager
def _alertmanager(folder: Path, told: str, port: int) -> Iterator[int]:
    """Run an Alertmanager that holds nothing back."""
    route = {"receiver": "hook", "group_by": ["instance"], "group_wait": "0s", "group_interval": "1s"}
    settings = {"route": route, "receivers": [{"name": "hook", "webhook_configs": [{"url": told}]}]}
    (folder / "alertmanager.yml").write_text(json.dumps(settings), encoding="utf-8")
    argv = ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/kept"]
    argv += [f"--web.listen-address={LOOPBACK}:{port}", "--cluster.listen-address=", "--log.level=error"]
    with running(argv, folder) as pid:
        wait_for(port)
        yield pid


PROMETHEUS = Watcher("Prometheus + blackbox exporter", ("prometheus", EXPORTER, "prometheus-alertmanager"), _run)
