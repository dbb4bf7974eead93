"""The alert rules and the dashboard that come with it say only what /metrics has."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from monitoring.harness import metrics_of

from core.fleet.target import Target
from ops.store.copies.backups import SAVE, BackupRun
from ops.store.copies.proofs import ProofRun
from ops.store.copies.served import SyncRun
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.web.vitals import Vitals
    from ops.ports import Ports

DOCS = Path(__file__).parents[2] / "docs"
RULES = DOCS / "alert-rules.yml"
NAME = re.compile(r"\b(?:sharpnet|process)_\w+")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def dashboard() -> Iterator[str]:
    for panel in json.loads((DOCS / "grafana-dashboard.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def promtool(*words: str | Path, stdin: str = "") -> str:
    ran = subprocess.run(
        ["promtool", *words], input=stdin, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_promtool_takes_the_alert_rules() -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_promtool_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    recorded = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(dashboard())]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": recorded}]}))
    assert f"SUCCESS: {len(recorded)} rules found" in promtool("check", "rules", file)


async def test_whatever_the_rules_and_the_dashboard_ask_for_is_on_the_page(
    ports: Ports, vitals: Vitals, web: str
) -> None:
    await something_of_everything(ports)
    vitals.slack_is(up=True)
    there = {line.partition("{")[0] for line in await metrics_of(web)}
    wanted = {name for expr in [*dashboard(), *(rule["expr"] for rule in rules())] for name in NAME.findall(expr)}
    assert wanted - there == set()


async def something_of_everything(ports: Ports) -> None:
    store, now = ports.store, ports.clock.now()
    await store.notifications.take_up(["env:SMS"])
    await store.copies.begin_sync(SyncRun("1", "fjord", "oslo", "lima", now, None, None, {}), "test")
    await store.copies.end_sync("1", "good", {}, now, "test")
    await store.backups.begin(backup := BackupRun("2", SAVE, "fjord", "oslo", now), "test")
    await store.backups.end(backup, "good", "abc", {}, now, "test")
    await store.proofs.add(ProofRun("3", "fjord", "oslo", "lima", now, "good", {}), now, "test")
    await store.copies.quarantine([("fjord", "lima")], "it came back", now, "test")
    await store.states.saw([ObservedState(Target.server("oslo"), "up", now, now)], gap=timedelta(minutes=1))


ROUND = """
rule_files: [{rules}]
evaluation_interval: 30s
tests:
  - interval: 30s
    input_series:
      - {{series: 'sharpnet_build_info{{fleet="small"}}', values: '1x10 _x20'}}
      - {{series: 'sharpnet_server_state{{server="oslo", state="down"}}', values: '_x3 1x7'}}
    alert_rule_test:
      - {{eval_time: 1m, alertname: SharpnetServerDown, exp_alerts: []}}
      - eval_time: 4m
        alertname: SharpnetServerDown
        exp_alerts:
          - exp_labels: {{severity: critical, server: oslo, state: down}}
            exp_annotations: {{summary: oslo is down, description: 'Type: sharpnet status oslo'}}
      - {{eval_time: 4m, alertname: SharpnetGone, exp_alerts: []}}
      - eval_time: 14m
        alertname: SharpnetGone
        exp_alerts:
          - exp_labels: {{severity: critical}}
            exp_annotations:
              summary: Sharpnet does not answer, so nobody watches the fleet
              description: Is the bot running? Without it nothing is noticed, copied or moved.
"""


def test_a_server_that_is_down_and_a_bot_that_is_gone_are_alerts(tmp_path: Path) -> None:
    file = tmp_path / "round.yml"
    file.write_text(ROUND.format(rules=RULES))
    promtool("test", "rules", file)
