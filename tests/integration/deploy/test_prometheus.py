"""Scraping, rules and alerts."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.deploy.files import DEPLOY, ROOT, Mutation, accepts, documents, refuses, run, with_mistake
from tests.integration.deploy.metrics import Series, mistakes_in
from tests.support.tools import require_tool

PROMETHEUS = DEPLOY / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))

Rule = dict[str, Any]


def promtool(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return run(require_tool("promtool", "prometheus"), *arguments)


def rules() -> list[Rule]:
    return [rule for document in documents(*RULES) for group in document["groups"] for rule in group["rules"]]


def alerts() -> list[Rule]:
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> Series:
    """What the recording rules make; which labels are left is theirs to decide."""
    kept = {"service": {"service"}, "instance": {"instance"}, "fleet": set()}
    return {rule["record"]: set(kept[rule["record"].split(":")[0]]) for rule in rules() if "record" in rule}


def anchors() -> set[str]:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def cases() -> list[dict[str, Any]]:
    return [case for document in documents(*TESTS) for case in document["tests"]]


def test_the_scrape_configuration_and_the_rules_that_it_loads_are_valid() -> None:
    accepts(promtool("check", "config", PROMETHEUS / "prometheus.yml"))
    accepts(promtool("check", "rules", *RULES))


def check_kubernetes(directory: Path, mutation: Mutation) -> "subprocess.CompletedProcess[str]":
    """Debian's promtool is built without Kubernetes' discovery, so a file's stands in its place."""
    shutil.copytree(PROMETHEUS, directory, dirs_exist_ok=True)
    path = with_mistake(PROMETHEUS / "kubernetes.yml", directory / "kubernetes.yml", mutation)
    [configuration] = documents(path)
    for scrape in configuration["scrape_configs"]:
        [discovery] = scrape.pop("kubernetes_sd_configs")
        assert discovery == {"role": "pod", "namespaces": {"names": ["parley"]}}
        scrape["file_sd_configs"] = [{"files": ["targets.yml"]}]
    path.write_text(yaml.safe_dump(configuration))
    return promtool("check", "config", path)


def test_the_scrape_configuration_of_kubernetes_is_valid(tmp_path: Path) -> None:
    accepts(check_kubernetes(tmp_path, ("global:", "global:")))


@pytest.mark.parametrize(
    "mutation",
    [
        ("relabel_configs:", "relabel_config:"),
        ("action: keep", "action: kep"),
        ("rules/recording.yml", "rules/alerts.yml\n  - tests/alerts.yml"),
    ],
)
def test_a_mistake_in_the_scrape_configuration_of_kubernetes_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    refuses(check_kubernetes(tmp_path, mutation))


def test_the_jobs_have_the_names_that_rules_and_dashboards_ask_for() -> None:
    [configuration] = documents(PROMETHEUS / "prometheus.yml")

    jobs = {scrape["job_name"] for scrape in configuration["scrape_configs"]}
    assert jobs == {"parley-gateway", "parley-persistence", "parley-pusher", "parley-media", "parley-webhooks", "load-balancer"}
    for scrape in configuration["scrape_configs"]:
        for discovery in scrape.get("dns_sd_configs", ()):
            assert (discovery["names"], discovery["port"]) == ([scrape["job_name"].removeprefix("parley-")], 4001)


def test_each_alert_fires_where_it_must_and_stays_silent_where_it_must() -> None:
    accepts(promtool("test", "rules", *TESTS))


def test_each_alert_is_tested_both_ways() -> None:
    outcomes = {(test["alertname"], bool(test["exp_alerts"])) for case in cases() for test in case["alert_rule_test"]}
    assert outcomes == {(alert["alert"], fires) for alert in alerts() for fires in (True, False)}


@pytest.mark.parametrize(
    "mutation",
    [
        (
            "sum by (instance) (rate(parley_gateway_gaps_total[5m])) > 1",
            "sum by (instance) (rate(parley_gateway_gaps_total)) > 1",
        ),
        ("      - alert: ParleyGaps", "      - alrt: ParleyGaps"),
        ("for: 1m", "for: one minute"),
    ],
)
def test_a_mistake_in_a_rule_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    refuses(
        promtool("check", "rules", with_mistake(PROMETHEUS / "rules/alerts.yml", tmp_path / "alerts.yml", mutation))
    )


def test_a_mistake_in_the_scrape_configuration_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    mistake = ("dns_sd_configs", "dns_sd_config")
    refuses(
        promtool("check", "config", with_mistake(PROMETHEUS / "prometheus.yml", tmp_path / "prometheus.yml", mistake))
    )


@pytest.mark.parametrize(
    ("alert", "mutation"),
    [
        ("ParleyOutboxOld", ("outbox_age_seconds:max > 10", "outbox_age_seconds:max > 100")),
        ("ParleyPushesStopped", ("max(parley_pusher_stopped) > 0", "max(parley_pusher_stopped) >= 0")),
        ("ParleyNotReady", ('route="/ready",status="503"', 'route="/ready",status="500"')),
    ],
)
def test_an_alert_that_asks_the_wrong_question_fails_its_tests(alert: str, mutation: Mutation, tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    [document] = documents(PROMETHEUS / "tests/alerts.yml")
    document["tests"] = [case for case in document["tests"] if case["name"].startswith(alert)]
    own = tmp_path / "tests/own.yml"
    own.write_text(yaml.safe_dump(document))
    accepts(promtool("test", "rules", own))
    with_mistake(PROMETHEUS / "rules/alerts.yml", tmp_path / "rules/alerts.yml", mutation)

    refuses(promtool("test", "rules", own))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_what_our_code_measures(rule: Rule) -> None:
    assert mistakes_in(rule["expr"], recorded()) == []


@pytest.mark.parametrize(
    ("query", "mistake"),
    [
        ("sum(parley_gateway_conections)", "there is no parley_gateway_conections"),
        ("rate(parley_gateway_gaps[5m])", "there is no parley_gateway_gaps"),
        ('parley_gateway_connections{user="u1"}', "parley_gateway_connections has no label user"),
        ("sum by (status) (rate(parley_pusher_pushes_total[5m]))", "nothing has the label status in"),
    ],
)
def test_a_query_for_what_nobody_measures_is_noticed(query: str, mistake: str) -> None:
    [found] = mistakes_in(query)
    assert found.startswith(mistake)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(alert: Rule) -> None:
    file, _, anchor = alert["annotations"]["runbook"].partition("#")

    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"]["summary"]
    assert (file, anchor) == ("docs/runbook.md", alert["alert"].lower())
    assert anchor in anchors()
