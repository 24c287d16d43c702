"""A task that takes the models of a run away: chosen, written, loaded back by transformers and peft, then offered."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from poets_core.errors import InvalidInput, InvalidSpec
from poets_core.runs.artifacts import file_name
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import VerdictFacts, jsonable
from poets_core.runs.events import ArtifactMade, ContestPlayed, Finished, Prepared
from poets_core.spec import RewardsSpec, TaskSpec
from poets_core.types import F8, I8
from poets_core.worker.rewards.contest import Contest, contest
from poets_core.worker.rewards.lesson import Lesson, Watched, load_lesson, model_folder
from poets_core.worker.rewards.restore import RewardsLog, read_rewards_log, require_same_task, restore
from poets_core.worker.session import Session

if TYPE_CHECKING:
    from poets_core.rewards.learner import Learner

TOLERANCE = 1e-3
"""Largest difference of an answer's log-probability between a branch and the file that holds it, nats."""
VERIFIED = 8
"""Prompts whose answers are scored by what was loaded back."""
SAYS = {
    "each": "a branch drawn anew, uniformly, for each answer (Thompson sampling)",
    "winner": "the branch that won the comparisons on held-out prompts",
    "mean": "the mean of all branches' weights",
}


class Deployment:
    """One worker's work on one deployment; done again from the start when it was cut off."""

    def __init__(self, session: Session[TaskSpec]) -> None:
        self._session, self._task = session, session.spec.task

    def __call__(self) -> None:
        """Do it.

        Raises:
            InvalidInput: the run has learnt nothing yet, no branch is known to win, or a file is not what was written.
            PoetsError: and whatever the task and its verifier raise.
        """
        session, task = self._session, self._task
        spec = session.store.spec(task.run)
        if not isinstance(spec, RewardsSpec):
            raise InvalidSpec(f"Expected a run that learns from rewards, got kind {spec.kind!r}: {task.run}.")
        log = read_rewards_log([line.event for line in session.store.read(task.run)])
        if log.updated is None:
            raise InvalidInput(f"Expected a run with one round or more, got {task.run}, which has learnt nothing yet.")
        session.begin(Prepared(None), first=not any(isinstance(e, Prepared) for e in session.events()))
        # The task is needed for prompts and verifier; a changed file would compare models on what they were not taught.
        lesson = load_lesson(spec)
        require_same_task(task.run, log, lesson)
        learner = self._learner(spec, lesson, log)
        # Of perturbations only the best few write; of all other methods every branch does.
        branches = sorted(int(b) for b in learner.update.writers())
        played = None
        if task.way == "winner":
            played = self._contest(learner, lesson, branches, log)
            branches = [self._winner(played, branches)]
        made = self._made(spec, learner, branches, played)
        session.control.check()
        session.append(made, Finished("task"))

    def _learner(self, spec: RewardsSpec, lesson: Lesson, log: RewardsLog) -> Learner:
        from poets_core.rewards.build import build_learner

        session, check = self._session, self._session.control.listen()
        # On the processor: there files can be compared to the last digits, whatever the run computed on.
        spec = spec.model_copy(update={"device": "cpu"})
        learner = build_learner(spec, Watched(lesson.task, check), model_folder(spec), check)
        restore(learner, lesson, log, spec, session.store.folder(self._task.run), session.step)
        return learner

    # -- which branch ------------------------------------------------------

    def _contest(self, learner: Learner, lesson: Lesson, branches: list[int], log: RewardsLog) -> Contest | None:
        if len(branches) == 1:
            return None
        held = len(lesson.task.held_out)
        if not held:
            raise InvalidInput(
                "Expected held-out prompts to compare the models on, got none: nobody would know whether the winner "
                "has learnt more, or by heart. Deploy the mean, or a model for each answer."
            )
        self._session.step(Doing("deploy"))
        from poets_core.rewards.answers import rewards_of, write

        train, items = len(lesson.task.train), lesson.task.held_out

        def judged(branch: I8, item: I8, keys: Any) -> F8:
            written = write(
                learner.ensemble, item + train, branch, keys, seed=learner.seed, tokens=learner.settings.max_tokens
            )
            return rewards_of(learner.task, [items[i] for i in item.tolist()], written.text)

        played = contest(
            judged,
            branches,
            held,
            delta=self._task.delta,
            budget=self._task.comparisons,
            seed=self._session.spec.seed,
            check=self._session.control.listen(),
        )
        v = played.verdict
        # Into the log also where nobody won: a page says what was compared, and why nothing was written.
        said = tuple((c.first, c.second, c.outcome) for c in played.comparisons)
        facts = VerdictFacts(v.kind, v.policy, jsonable(v.error_bound), v.comparisons, tuple(v.left), v.rule)
        self._session.append(ContestPlayed(log.rounds - 1, 2 * len(said), said, jsonable(dict(played.metrics)), facts))
        return played

    def _winner(self, played: Contest | None, branches: list[int]) -> int:
        # One branch alone has nobody to beat; of perturbations it may have any number.
        if played is None:
            return branches[0]
        if played.branch is None:
            left = ", ".join(str(int(name.rpartition(" ")[2]) + 1) for name in played.verdict.left) or "none"
            raise InvalidInput(
                f"Expected one model to win with error at most {self._task.delta:g}, got none after "
                f"{played.verdict.comparisons:,} comparisons on held-out prompts; the best may be model {left}. They "
                "may be equally good: deploy the mean, or a model for each answer, or allow more comparisons."
            )
        return played.branch

    # -- the file ----------------------------------------------------------

    def _made(self, spec: RewardsSpec, learner: Learner, branches: list[int], played: Contest | None) -> ArtifactMade:
        """Write the models aside, load them back, compare, and only then put the file in its place."""
        from poets_core.lm.merging import write_adapter, write_merged

        session, task, source = self._session, self._task, model_folder(spec)
        # A branch for each answer leaves as several adapters, all else as one.
        groups = [[b] for b in branches] if task.way == "each" else [branches]
        with tempfile.TemporaryDirectory(prefix="poets-deploy-") as aside:
            folders, worst = [], 0.0
            for group in groups:
                name = "mean" if len(group) > 1 else f"branch-{group[0]}"
                adapter, merged = Path(aside) / "adapters" / name, Path(aside) / "merged" / name
                write_adapter(learner.ensemble, group, adapter)
                # Of the mean of several, the one form is checked by the other: no branch is that policy.
                if task.merged or len(group) > 1:
                    write_merged(learner.ensemble, group, source, merged)
                # What was loaded back decides, not what was meant to be written.
                session.step(Doing("verify"))
                worst = max(worst, _difference(learner, group, source, adapter, merged))
                folders.append(merged if task.merged else adapter)
            # Rounding of float32 in another order is a thousand times less; a wrong scale or layer is far more.
            if worst > TOLERANCE:
                raise InvalidInput(
                    f"Expected files that say what the models say, got answers {worst:.3g} nats apart. Nothing was "
                    "exported."
                )
            about = {
                "run": task.run,
                "task": spec.about,
                "base": spec.backbone.source,
                "template": spec.backbone.template,
                "answers_by": SAYS[task.way],
                "branches": branches,
                "merged": task.merged,
                "largest_difference_nats": worst,
                "verdict": None if played is None else jsonable(vars(played.verdict)),
            }
            data = _zipped(folders, about)
        name = file_name(
            spec.about, task.run, f"{task.way} {'merged' if task.merged else 'adapters'}", len(groups), "zip"
        )
        checksum = session.write(session.folder / "artifacts" / name, data)
        return ArtifactMade(
            name,
            "application/zip",
            f"artifacts/{name}",
            checksum,
            rows=len(groups),
            rescored=len(groups),
            max_difference=worst,
            run=task.run,
            format="merged" if task.merged else "peft",
        )


def _difference(learner: Learner, group: list[int], source: Path, adapter: Path, merged: Path) -> float:
    """Return the largest difference between what was loaded back and what the models say, nats an answer."""
    from poets_core.lm.merging import plain_log_probs, read_back

    ensemble, n = learner.ensemble, min(VERIFIED, len(learner.ensemble.prompt_ids))
    items = np.arange(n, dtype=np.int64)
    # Any text does, as long as both score the same one; it is cut to what a branch may write.
    texts = [item.answer or item.prompt for item in _items(learner)[:n]]
    answers = [ensemble.backbone.completion_ids(text)[-learner.settings.max_tokens :] for text in texts]
    prompts = [ensemble.prompt_ids[i] for i in items.tolist()]
    # Without the grammar: the limit of an answer's length is no part of the files.
    found = [plain_log_probs(read_back(adapter, source), prompts, answers)]
    if merged.is_dir():
        found.append(plain_log_probs(read_back(merged), prompts, answers))
    if len(group) > 1:
        return float(np.abs(found[0] - found[1]).max())
    own = ensemble.log_prob(ensemble.encode(answers, items), grammar=False).branches[group[0]]
    return float(max(np.abs(x - own).max() for x in found))


def _items(learner: Learner) -> list[Any]:
    return [*learner.task.train, *learner.task.held_out]


def _zipped(folders: list[Path], about: dict[str, Any]) -> bytes:
    """Pack folders side by side, with what they are; weights hardly compress, so nothing is."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        # What it is stands first, so that a look at the list of files tells it.
        archive.writestr("deployment.json", json.dumps(about, indent=2))
        archive.writestr("README.md", _readme(about, [f.name for f in folders]))
        for folder in folders:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
    return out.getvalue()


def _readme(about: dict[str, Any], names: list[str]) -> str:
    """Return how the models are used, as Markdown; a test runs the program in it."""
    # Lines of a program that stands alone: whoever unpacks the file has transformers and peft, and not this package.
    base = repr(about["base"])
    if about["merged"]:
        load = f'model = AutoModelForCausalLM.from_pretrained("{names[0]}", dtype=torch.float32).eval()'
        imports, tokenizer = "from transformers import AutoModelForCausalLM, AutoTokenizer", f'"{names[0]}"'
    else:
        load = (
            f"base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)\n"
            f'model = PeftModel.from_pretrained(base, "{names[0]}", adapter_name="{names[0]}").eval()'
        )
        load += "".join(f'\nmodel.load_adapter("{name}", adapter_name="{name}")' for name in names[1:])
        imports = "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM, AutoTokenizer"
        tokenizer = "BASE"
    # Uniform over branches, as training drew its writers: that is the policy whose reward was reported.
    draw = "" if len(names) == 1 else f"model.set_adapter(random.choice({names!r}))  # for each answer anew\n"
    chat = (
        'text = tokenizer.apply_chat_template([{"role": "user", "content": PROMPT}], tokenize=False, '
        "add_generation_prompt=True)\nids = tokenizer(text, add_special_tokens=False)"
        if about["template"] == "chat"
        else "ids = tokenizer(PROMPT, add_special_tokens=False)"
    )
    # A template writes the special tokens itself; a plain prompt gets the one that the run put in front.
    start = (
        ""
        if about["template"] == "chat"
        else "start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]\n"
    )
    given = 'ids["input_ids"]' if about["template"] == "chat" else 'start + ids["input_ids"]'
    return f"""# What answers: {about["answers_by"]}

Learnt from rewards on {about["task"]} in run {about["run"]}. Every model in this file was loaded back and compared with
the run's own: answers differ by {about["largest_difference_nats"]:.2g} nats at most. `deployment.json` says more.

```python
import random

import torch
{imports}

BASE = {base}  # the folder of the base model; a name that is no folder ships with POETS, in `domains/`
PROMPT = "gcd 12 18="
{load}
tokenizer = AutoTokenizer.from_pretrained({tokenizer})
{start}{chat}
{draw}out = model.generate(torch.tensor([{given}]), do_sample=True, top_k=0, max_new_tokens=32)
print(tokenizer.decode(out[0], skip_special_tokens=True))
```
"""
