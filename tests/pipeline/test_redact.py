"""Names stay and values that may be secret go, in whatever form they come; what is none stays readable."""

from __future__ import annotations

import time

import pytest

from tasks.pipeline.redact import LEFT_OUT, LONGEST, text_without_secrets, without_secrets


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer abcdefghijk123", f"Authorization: {LEFT_OUT}"),
        ("sent with bearer abcdefghijk123 twice", f"sent with {LEFT_OUT} twice"),
        ("postgresql://ann:hunter2@db:5432/x", f"postgresql://{LEFT_OUT}@db:5432/x"),
        ("GET https://h/x?token=abc&size=1", f"GET https://h/x?token={LEFT_OUT}&size=1"),
        ("password=hunter2 for ann", f"password={LEFT_OUT} for ann"),
        ('{"api_key": "abc123", "size": 1}', f'{{"api_key": "{LEFT_OUT}", "size": 1}}'),
        ("DB_PASSWORD = hunter2", f"DB_PASSWORD = {LEFT_OUT}"),
        ("x AIzaSyA1234567890123456789012345678901 y", f"x {LEFT_OUT} y"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nafter", f"{LEFT_OUT}\nafter"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE (cut)", LEFT_OUT),
    ],
)
def test_what_looks_like_a_secret_is_left_out_of_a_text(text: str, kept: str) -> None:
    assert text_without_secrets(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "No module named 'pxr'",
        "Secret Manager did not answer; the token has expired",
        "scenes/kitchen_001/usd/scene.usda: 404",
        "",
        "Ünïcödé 火事 🔥",
    ],
)
def test_what_is_none_stays_as_it_is(text: str) -> None:
    assert text_without_secrets(text) == text


def test_a_variable_whose_name_says_secret_keeps_its_name_only() -> None:
    env = [{"name": "HF_TOKEN", "value": "hf_abc"}, {"name": "SCENE_ID", "value": "kitchen_001"}]
    assert without_secrets({"env": env}) == {
        "env": [{"name": "HF_TOKEN", "value": LEFT_OUT}, {"name": "SCENE_ID", "value": "kitchen_001"}]
    }


def test_the_name_of_a_secret_that_a_job_refers_to_is_kept() -> None:
    env = {"name": "HF_TOKEN", "valueSource": {"secretKeyRef": {"secret": "hf-token", "version": "latest"}}}
    assert without_secrets(env) == env


def test_values_below_other_names_are_looked_at_too() -> None:
    deep = {"a": [{"b": ({"client_secret": "x", "n": 1},)}], "oauthToken": {"serviceAccountEmail": "a@b"}}
    assert without_secrets(deep) == {
        "a": [{"b": [{"client_secret": LEFT_OUT, "n": 1}]}],
        "oauthToken": {"serviceAccountEmail": "a@b"},
    }


def test_what_is_no_text_keeps_its_type() -> None:
    value = {"n": 1, "f": 1.5, "none": None, "yes": True, "list": []}
    assert without_secrets(value) == value


def test_a_long_text_is_cut_and_says_so() -> None:
    cut = text_without_secrets("x" * (LONGEST + 1))
    assert len(cut) < LONGEST + 60
    assert cut.endswith(f"... (cut: it has {LONGEST + 1:,} characters)")


def test_a_text_that_is_made_to_be_slow_is_not() -> None:
    began = time.process_time()
    for text in ("token" * 100_000, "a-" * 500_000, "?" * 1_000_000, "eyJ" * 300_000):
        text_without_secrets(text)
    assert time.process_time() - began < 2.0
