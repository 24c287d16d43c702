"""What can be wrong with such a run before it exists: prompts, files, verifier, chat template, model, memory.

Without torch: it is asked from a form, in a process with limits (`poets_core.worker.examine`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poets_core.errors import InvalidInput, InvalidModel, InvalidSpec
from poets_core.intake import shown
from poets_core.lm.prompts import ids_of, read_tokenizer, require_room, text_ids
from poets_core.rewards.given import GivenTask
from poets_core.runs.room import available_bytes, on_cpu
from poets_core.spec import RewardsSpec, parse_spec
from poets_core.spec.memory import Memory, estimate_rewards_memory, model_size
from poets_core.verifiable import PromptItem, VerifiableTask
from poets_core.worker.rewards.lesson import FILE, Lesson, load_lesson, model_folder

GONE = ("the verifier stopped", "the verifier failed", "the verifier cannot", "not judged", "expected ")
"""How a reason begins that says that the verifier did not do its work; else it has said that it cannot tell."""


def check_rewards(data: Mapping[str, Any]) -> dict[str, Any]:
    """Check a spec as the worker will run it, without weights.

    Args:
        data: the spec as JSON.

    Returns:
        ``"lines"`` that say what was read; ``"facts"``: numbers of items and answers, tokens of the longest prompt and
        that the model reads, and bytes that the run needs, None where they are not known.

    Raises:
        InvalidInput: with the field that is wrong.
        MissingPackage: a package that the task needs is not installed.
    """
    # Out of another process, as JSON: it is read as strictly as a file.
    spec = parse_spec(data)
    if not isinstance(spec, RewardsSpec):
        raise InvalidSpec(f"Expected a run that learns from rewards, got kind {spec.kind!r}.", field="kind")
    lesson = load_lesson(spec)
    # The cheapest looks come first; the verifier, which may hang, comes when all else is right.
    longest, room = _check_prompts(spec, lesson)
    lines = [*lesson.lines, *_probed(lesson.task)]
    needed = memory_of(spec, longest)
    if needed is not None and on_cpu(spec.device):
        needed.refuse(available_bytes())
    if needed is not None:
        lines.append(f"the run needs about {needed.total / 2**30:.1f} GB of memory")
    lines.append(f"the longest prompt has {longest:,} tokens; prompt and answer may have {room or 0:,} together")
    facts = {
        "train": len(lesson.task.train),
        "held_out": len(lesson.task.held_out),
        "given": len(lesson.rows),
        "longest": longest,
        "positions": room,
        "memory": None if needed is None else needed.total,
    }
    return {"lines": [*lines], "facts": facts}


def memory_of(spec: RewardsSpec, longest: int) -> Memory | None:
    """Estimate what a run needs; None where its model does not say how large it is."""
    model = model_size(model_folder(spec))
    return None if model is None else estimate_rewards_memory(spec, model, longest + spec.rewards.max_tokens)


def _check_prompts(spec: RewardsSpec, lesson: Lesson) -> tuple[int, int | None]:
    """Return the tokens of the longest prompt, and how many the model reads.

    Raises:
        InvalidInput: a prompt or a given answer that the model cannot read, or that is too long.
    """
    source, task = spec.backbone.source, lesson.task
    try:
        tokenizer, room = read_tokenizer(model_folder(spec))
        prompts = [i.prompt for i in (*task.train, *task.held_out)]
        ids = ids_of(tokenizer, prompts, spec.backbone.template, eos=int(tokenizer.eos_token_id), source=source)
    except InvalidModel as error:
        raise InvalidModel(str(error), fields=error.fields or {"backbone.source": str(error)}) from error
    # What a model does not state is found out when it is loaded.
    if room is not None:
        require_room(prompts, ids, spec.rewards.max_tokens, room, source)
    most = spec.rewards.max_tokens
    for number, row in enumerate(lesson.rows, 1):
        try:
            tokens = len(text_ids(tokenizer, row.answer, source=source)) + 1
        except InvalidModel as error:
            raise InvalidModel(str(error), field=FILE) from error
        if tokens > most:
            raise InvalidInput(
                f"Expected given answers of at most {most} tokens, their end included, got {tokens} in answer "
                f"{number:,}: {shown(row.answer)}. Raise rewards.max_tokens, or leave the answer out.",
                field=FILE,
            )
    return max(map(len, ids)), room


def _probed(task: VerifiableTask) -> list[str]:
    """Ask the verifier twice, and say what it makes of a right answer and of an empty one.

    Raises:
        InvalidInput: it crashes, hangs or says nonsense.
    """
    if isinstance(task, GivenTask):
        return ["nobody judges further answers: rewards on held-out prompts are not known"]
    # One answer after the other: a verifier that hangs is waited for once.
    item = task.train[0]
    right, lines = _asked(task, item, item.answer or "?", "an answer"), []
    if item.answer:
        lines.append(f"the verifier gives the right answer of the first prompt a reward of {_said(right)}")
    # A model may write nothing at all, and often does before it has learnt anything.
    lines.append(f"and an empty answer one of {_said(_asked(task, item, '', 'an empty answer'))}")
    return lines


def _asked(task: VerifiableTask, item: PromptItem, answer: str, what: str) -> float | None:
    verdict = task.verify([item], [answer])[0]
    if verdict.reward is None and verdict.reason.startswith(GONE):
        raise InvalidInput(
            f"Expected a reward from 0 to 1 of the verifier for {what} to the prompt {shown(item.prompt)}, got none: "
            f"{verdict.reason}. Mend the verifier; it must answer whatever a model writes.",
            field="task",
        )
    return verdict.reward


def _said(reward: float | None) -> str:
    return "none (it cannot tell)" if reward is None else f"{reward:g}"
