from prometheus_client.parser import text_string_to_metric_families

from shared.metrics import CONTENT_TYPE, ERRORS, HTTP_REQUEST_SECONDS, render


def test_what_is_rendered_is_prometheus_text_with_the_names_that_operators_know() -> None:
    HTTP_REQUEST_SECONDS.labels("test", "GET", "/api/conversations", "200").observe(0.002)
    ERRORS.labels("test", "render").inc()
    families = {family.name: family for family in text_string_to_metric_families(render().decode())}
    assert {"parley_http_request_seconds", "parley_errors"} <= families.keys()
    errors = [sample for sample in families["parley_errors"].samples if sample.labels["kind"] == "render"]
    assert [(sample.name, sample.value) for sample in errors] == [("parley_errors_total", 1.0)]
    assert "version=0.0.4" in CONTENT_TYPE


def test_no_series_is_spent_on_creation_times() -> None:
    assert b"_created" not in render()
