"""Audits and judges that are models, as a worker runs them: to the verdict, cut off, undone, refused."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from domains.language.comparing import LONGEST_PART, both, question, read_reply
from poets_core.cli.logs import spec_from_log
from poets_core.cli.specs import check
from poets_core.errors import InvalidModel, InvalidSpec
from poets_core.keyed import rng_for
from poets_core.llm_po.audit.audit import Audit, Judgement, Planned
from poets_core.runs.answers import Answer
from poets_core.runs.audit_events import Audited
from poets_core.runs.event_fields import PresentedPair
from poets_core.runs.events import Asked, Compared
from poets_core.runs.store import SqlStore
from poets_core.runs.views.experiment import experiment_summary
from poets_core.runs.views.fold import fold
from poets_core.spec import RunSpec
from poets_core.worker import endpoint
from poets_core.worker.endpoint import Endpoint
from poets_core.worker.experiment.ledger import Ledger
from poets_core.worker.experiment.model_judge import ModelJudge
from poets_core.worker.science import REAL_SCIENCE
from poets_core.worker.worker import FAILED, FINISHED, work
from tests.lm import tiny
from tests.worker.experiments import NAMES, log_experiment, prompt_experiment
from tests.worker.fake import FAKES
from tests.worker.steps import free


def judged_log(path: Path, rows: int = 400, *, shared: bool = False, bare: bool = False) -> Path:
    """A log whose judge likes "fair" best and is otherwise right; responses tell people who wrote them."""
    rng = rng_for(0, "judged log")
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["prompt", "policy_a", "policy_b", "outcome", "response_a", "response_b"])
        for number in range(3 * rows):
            a, b = [("good", "fair"), ("good", "poor"), ("fair", "poor")][number % 3]
            likes = b if (a, b) == ("good", "fair") and rng.random() < 0.6 else a
            prompt = f"prompt {number // 2 if shared else number}"
            said = ["", ""] if bare else [f"written by {a}", f"written by {b}"]
            out.writerow([prompt, a, b, "a" if likes == a else "b", *said])
    return path


class People(SqlStore):
    """A store whose people answer what an audit asks them, by a script; cut off after so many appends."""

    left = 10_000
    script: Callable[[Any], list[dict[str, Any]]]

    def append(self, lease: Any, events: Any) -> int:
        if self.left <= 0:
            raise SystemExit(9)
        self.left -= 1
        last = super().append(lease, events)
        asked = {p.index: p for e in events if e.tag == "asked" for p in e.pairs}
        for event in events:
            if isinstance(event, Audited) and event.person:
                for body in self.script(asked[event.index]):
                    self.send(lease.run, "judge", body)
        return last


def people(tmp_path: Path, script: Callable[[Any], list[dict[str, Any]]], name: str = "people") -> People:
    made = People(f"sqlite:///{tmp_path}/{name}/poets.db")
    made.script = script  # type: ignore[method-assign]
    return made


def by_text(pair: Any) -> list[dict[str, Any]]:
    """Somebody who reads the responses: good before fair before poor, one time in ten otherwise."""
    order = [NAMES.index(text.split()[-1]) for text in pair.responses]
    better = (order[0] < order[1]) == (rng_for(1, "person", pair.index).random() < 0.9)
    return [{"index": pair.index, "outcome": "first" if better else "second", "judge": "ann"}]


def audit_of(tmp_path: Path, **fields: Any) -> RunSpec:
    log = tmp_path / "log.csv"
    if not log.exists():
        judged_log(log)
    return log_experiment(log, **{"audit": True, "audit_floor": 0.1, "delta": 0.2, "seed": 1, **fields})


def test_people_are_asked_about_a_share_and_overrule_a_biased_judge(tmp_path: Path) -> None:
    store = people(tmp_path, by_text)
    run = store.create(audit_of(tmp_path))
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    view = fold(store.read(run)).experiment
    assert (view.verdict.kind, view.verdict.policy, view.verdict.rule) == ("winner", "good", "audit")
    labels = sum(p.judge == "ann" for p in view.pairs.values())
    assert 0 < labels == view.metrics["labels"] < view.comparisons == view.metrics["comparisons"]
    assert all(p.verdict is not None for p in view.pairs.values())
    # the judge alone would have named another one
    told = [p for p in view.pairs.values() if {p.first, p.second} == {"good", "fair"}]
    favours = [(p.first if p.verdict == "first" else p.second) == "fair" for p in told]
    assert sum(favours) > len(favours) / 2
    # what is written down recomputes the verdict
    again = Audit(NAMES, 0.2, floor=0.1)
    for first, second, verdict, label, predicted, shares, stakes in view.verdict.spec["judgements"]:
        planned = Planned(tuple(predicted), tuple(shares), tuple(stakes))
        again.record(Judgement(first, second, verdict, planned, label))
    assert again.verdict().policy == "good"
    assert again.labels == labels
    assert store.runs(kind="experiment")[0].method == "audit"
    assert experiment_summary(view)["labels"] == labels


def test_an_audit_that_is_cut_off_anywhere_is_that_of_a_worker_nobody_touched(tmp_path: Path) -> None:
    spec = audit_of(tmp_path)
    whole = people(tmp_path, by_text, "whole")
    run = whole.create(spec)
    assert work(whole, run, FAKES) == FINISHED
    expected = [e.event for e in whole.read(run) if e.kind not in ("claimed", "state", "updated")]
    cut = people(tmp_path, by_text, "cut")
    run = cut.create(spec)
    cuts = 0
    while cut.status(run).state != "finished":
        cut.left = 23
        try:
            assert work(cut, run, FAKES) == FINISHED
        except SystemExit:
            free(cut, run)
            cuts += 1
    assert cuts > 2
    assert [e.event for e in cut.read(run) if e.kind not in ("claimed", "state", "updated")] == expected


def test_an_answer_taken_back_counts_no_longer_and_a_skip_counts_as_a_tie(tmp_path: Path) -> None:
    seen: list[int] = []

    def script(pair: Any) -> list[dict[str, Any]]:
        seen.append(pair.index)
        (answer,) = by_text(pair)
        if len(seen) == 1:
            wrong = {**answer, "outcome": "tie"}
            return [wrong, {"index": -1, "outcome": "undo", "judge": "ann"}, answer]
        return [{**answer, "outcome": "skip"}] if len(seen) == 2 else [answer]

    store = people(tmp_path, script)
    run = store.create(audit_of(tmp_path))
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    view = fold(store.read(run)).experiment
    said = view.verdict.spec["judgements"]
    assert view.pairs[seen[0]].outcome == said[seen[0]][3] != "tie"
    assert view.pairs[seen[1]].skipped
    assert said[seen[1]][3] == "tie"


def test_a_pair_that_waits_holds_up_those_behind_it() -> None:
    """Which of several open pairs is answered first may depend on them: none counts before those asked earlier."""
    facts = ((0.2, 0.5, 0.8), (0.5, 0.5, 0.5), (0.1, 0.0))
    ledger = Ledger()
    for index, person in enumerate((False, True, False)):
        ledger.add(Asked((PresentedPair(index, "good", "fair", 0, "p", ("a", "b")),)))
        ledger.add(Audited(index, "second", person, *facts))
        if not person:
            ledger.add(Compared(index, "good", "fair", "second", "replay"))
    assert [j.label for j in ledger.judgements()] == [None]
    ledger.add(Compared(1, "good", "fair", "first", "ann", 1))
    assert [j.label for j in ledger.judgements()] == [None, "first", None]
    assert {j.verdict for j in ledger.judgements()} == {"second"}
    # programs are nobody at work: one pair more is not kept open for them, and nobody can undo for them
    assert ledger.wanted(2) == 2
    assert isinstance(ledger.meant(Answer(-1, "undo", "replay"), 2), str)


@pytest.mark.parametrize(
    ("how", "match"),
    [({"shared": True}, "share no prompt"), ({"bare": True}, "both responses in every row")],
)
def test_a_log_that_cannot_be_audited_is_refused(tmp_path: Path, how: dict[str, bool], match: str) -> None:
    judged_log(tmp_path / "log.csv", 20, **how)
    store = people(tmp_path, by_text)
    run = store.create(audit_of(tmp_path))
    assert work(store, run, FAKES) == FAILED
    assert match in store.status(run).reason


def test_a_log_without_a_row_left_leaves_the_verdict_open(tmp_path: Path) -> None:
    judged_log(tmp_path / "log.csv", 5)
    store = people(tmp_path, by_text)
    run = store.create(audit_of(tmp_path, delta=0.01))
    assert work(store, run, FAKES) == FINISHED
    view = fold(store.read(run))
    assert (view.finished, view.experiment.verdict.kind) == ("exhausted", "undecided")
    assert view.experiment.comparisons == 15


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"double_check": True}, "double_check"),
        ({"sampler": "round-robin"}, "sampler"),
        ({"judge_model": "m"}, "judge_model"),
        ({"open_pairs": 9}, "open_pairs"),
    ],
)
def test_what_an_audit_would_not_read_is_refused(tmp_path: Path, fields: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidSpec, match=match):
        audit_of(tmp_path, **fields)


def test_a_rule_is_not_audited_and_a_model_has_a_name() -> None:
    with pytest.raises(InvalidSpec, match="Expected judge 'replay' or 'model' with an audit"):
        prompt_experiment(audit=True)
    with pytest.raises(InvalidSpec, match="name of a model"):
        prompt_experiment(judge="model")


# -- a model judges ---------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("A", "A"),
        (" b.\n", "B"),
        ("**Tie**", "tie"),
        ('"A".', "A"),
        ("", None),
        ("A is better", None),
        ("A or B", None),
        ("C", None),
        ("neither", None),
        ("A" + " " * 100, None),
    ],
)
def test_a_reply_is_one_of_three_words_or_no_answer(reply: str, said: str | None) -> None:
    assert read_reply(reply) == said


@pytest.mark.parametrize(
    ("shown", "swapped", "found"),
    [
        ("A", "B", ("first", "agreed")),
        ("B", "A", ("second", "agreed")),
        ("tie", "tie", ("tie", "agreed")),
        ("A", "A", ("tie", "order")),
        ("B", "B", ("tie", "order")),
        ("A", "tie", ("tie", "unsure")),
        ("A", None, ("tie", "no answer")),
        (None, None, ("tie", "no answer")),
    ],
)
def test_only_a_verdict_that_holds_in_both_orders_counts(shown: Any, swapped: Any, found: tuple[str, str]) -> None:
    assert both(shown, swapped) == found


def test_a_question_holds_the_criterion_and_is_bounded() -> None:
    asked = question("Shorter is better.", "p", "one\n<assistant>\ntwo", "x" * (LONGEST_PART + 5))
    assert "Shorter is better." in asked
    assert "<assistant>" not in asked
    assert "5 further characters" in asked
    assert len(asked) < LONGEST_PART + 1500


class Server:
    """A chat model on this machine, by a function of the question."""

    def __init__(self, reply: Callable[[str], Any]) -> None:
        self.asked: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append({**body, "path": self.path})
                said = reply(body["messages"][0]["content"])
                raw = said if isinstance(said, bytes) else _choices(said)
                self.send_response(200 if raw else 302)
                self.send_header("Location", "http://example.org/")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _choices(said: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]}).encode()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str], Any]], Server]]:
    made: list[Server] = []

    def start(reply: Callable[[str], Any]) -> Server:
        made.append(Server(reply))
        return made[-1]

    yield start
    for server in made:
        server.close()


def longer(asked: str) -> str:
    """A judge who prefers the response with more characters, and cannot make up its mind about equal ones."""
    a, b = (asked.split(f"[Response {x}]\n")[1].split("\n[End of")[0] for x in "AB")
    return "perhaps" if len(a) == len(b) else "A" if len(a) > len(b) else "B"


def test_a_model_behind_an_address_judges_in_both_orders(store: SqlStore, serve: Any) -> None:
    server = serve(longer)
    spec = prompt_experiment(judge="model", judge_model="m", judge_url=server.url, budget=12, criterion="Longer.")
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    view = fold(store.read(run)).experiment
    assert len(server.asked) == 2 * view.comparisons
    assert all(a["path"] == "/v1/chat/completions" and a["temperature"] == 0 for a in server.asked)
    assert "Longer." in server.asked[0]["messages"][0]["content"]
    for pair in view.pairs.values():
        sizes = [len(text) for text in pair.responses]
        expected = "tie" if sizes[0] == sizes[1] else "first" if sizes[0] > sizes[1] else "second"
        assert pair.outcome == expected
        assert (pair.details["how"] == "no answer") == (sizes[0] == sizes[1])
    assert view.unanswered == sum(p.outcome == "tie" for p in view.pairs.values())
    assert view.verdict.spec["according_to"] == "m"
    assert view.facts["judge_model"] == "m"


def test_a_local_model_judges(store: SqlStore) -> None:
    said: list[tuple[str, str]] = []

    def answer(model: Any, prompts: Any, **how: Any) -> list[str]:
        if not str(how["keys"][0]).startswith("judge/"):
            return FAKES.answer(model, prompts, **how)
        said.extend(zip(how["keys"], prompts, strict=True))
        assert (how["temperature"], str(model)) == (0.0, "org/judge")
        return ["A", "B"]

    run = store.create(prompt_experiment(judge="model", judge_model="org/judge", budget=5, delta=0.001))
    assert work(store, run, replace(FAKES, answer=answer)) == FINISHED, store.status(run).reason
    view = fold(store.read(run)).experiment
    assert {p.outcome for p in view.pairs.values()} == {"first"}
    assert len(said) == 10


def test_people_audit_a_model(tmp_path: Path, serve: Any) -> None:
    def script(pair: Any) -> list[dict[str, Any]]:
        return [{"index": pair.index, "outcome": "first" if pair.first < pair.second else "second", "judge": "ann"}]

    server = serve(lambda asked: "A")  # prefers a place: ties, so that people decide
    store = people(tmp_path, script)
    spec = prompt_experiment(judge="model", judge_model="m", judge_url=server.url, audit=True, delta=0.3)
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED, store.status(run).reason
    view = fold(store.read(run)).experiment
    assert view.verdict.policy == min(NAMES)
    assert {p.details["how"] for p in view.pairs.values()} == {"order"}


@pytest.mark.timeout(120)
def test_a_real_model_that_follows_no_instructions_gives_no_answer(tmp_path: Path) -> None:
    """A tiny random model with a chat template: its replies are kept, and none is taken for a verdict."""
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    tiny.model("llama", tied=False).save_pretrained(tmp_path / "judge")
    tokenizer.save_pretrained(tmp_path / "judge")
    spec = prompt_experiment(judge="model", judge_model=str(tmp_path / "judge")).experiment
    judge = ModelJudge(spec, REAL_SCIENCE, 0)
    assert len(judge.facts["judge_weights"]) == 64
    pair = PresentedPair(3, "good", "fair", 0, "ACD", ("ACDE", "FGHI"))
    judged = judge.judge(pair)
    assert (judged.outcome, judged.details["how"]) == ("tie", "no answer")
    assert len(judged.details["replies"]) == 2
    assert all(judged.details["replies"])
    assert judge.judge(pair) == judged  # asked again after a cut


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"judge_url": "http://example.org/v1"}, "POETS_JUDGE_HOSTS"),
        ({"judge_model": "./nothing/there"}, "experiment.judge_model"),
    ],
)
def test_the_command_line_refuses_a_judge_before_anything_starts(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str], match: str
) -> None:
    monkeypatch.delenv(endpoint.SETTING, raising=False)
    spec = prompt_experiment(**{"judge": "model", "judge_model": "m/m", "model": "m/m", **fields})
    with pytest.raises(InvalidSpec, match=match):
        check(spec, store)


def test_the_command_line_makes_an_audit_of_a_log_and_refuses_one_without_responses(
    store: SqlStore, tmp_path: Path
) -> None:
    spec, _ = spec_from_log(
        judged_log(tmp_path / "log.csv", 20), (), (), (), (), ["experiment.audit=true", "experiment.criterion=7"], 0
    )
    assert (spec.experiment.audit, spec.experiment.criterion) == (True, "7")
    check(spec, store)
    judged_log(tmp_path / "log.csv", 20, bare=True)
    with pytest.raises(InvalidSpec, match="both responses in every row"):
        check(spec, store)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("http://example.org/v1", "POETS_JUDGE_HOSTS"),
        ("http://127.0.0.1.example.org/v1", "POETS_JUDGE_HOSTS"),
        ("http://2130706433/v1", "POETS_JUDGE_HOSTS"),
        ("ftp://127.0.0.1/v1", "such as http"),
        ("127.0.0.1:80/v1", "such as http"),
        ("http://user:word@127.0.0.1/v1", "such as http"),
        ("http://127.0.0.1:99999/v1", "such as http"),
        ("http://[::1/v1", "such as http"),
    ],
)
def test_nothing_is_sent_to_another_host(url: str, match: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(endpoint.SETTING, raising=False)
    with pytest.raises(InvalidSpec, match=match):
        Endpoint(url, "m")


def test_a_host_that_the_owner_names_may_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(endpoint.SETTING, "judge.example.org, other")
    assert Endpoint("https://judge.example.org/v1", "m")


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (b"", "status 302"),  # a redirection is not followed
        (b"x" * (endpoint.LONGEST + 1), "more than"),
        (b"[1]", "OpenAI-compatible"),
        (b'{"choices": [{"message": {"content": 3}}]}', "OpenAI-compatible"),
        (b"[" * 100_000, "OpenAI-compatible"),
    ],
)
def test_an_answer_out_of_form_is_refused(serve: Any, raw: bytes, match: str) -> None:
    server = serve(lambda asked: raw)
    with pytest.raises(InvalidModel, match=match):
        Endpoint(server.url, "m").ask("?", max_tokens=8, seed=1)


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(InvalidModel, match="press Resume"):
        Endpoint("http://127.0.0.1:9/v1", "m", seconds=2).ask("?", max_tokens=8, seed=1)
