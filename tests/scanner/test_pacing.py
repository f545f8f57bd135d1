"""The window of questions under way: a bound that gives way in a jam, and to nothing else."""

import asyncio

from services.scanner.pacing import Window


async def _crowd(window: Window, people: int) -> int:
    """The most that held a place at one time, of so many who want one."""
    inside = most = 0

    async def visit() -> None:
        nonlocal inside, most
        async with window.place():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(people):
            tasks.create_task(visit())
    return most


async def test_no_more_than_the_window_are_under_way() -> None:
    window = Window(200)

    assert await _crowd(window, 300) == window.size == 32


async def test_answers_widen_the_window_up_to_its_bound() -> None:
    window = Window(40)
    for _ in range(2000):
        window.note_answer(0.01)

    assert window.size == 40
    assert await _crowd(window, 100) == 40


async def test_losses_of_one_moment_halve_it_once_and_quick_answers_excuse_them() -> None:
    jammed, calm = Window(200), Window(200)
    for _ in range(10):
        jammed.note_loss()
    calm.note_answer(0.01)
    for _ in range(10):
        calm.note_loss()

    assert jammed.size == 16
    assert calm.size == 32
    assert await _crowd(jammed, 100) == 16


async def test_who_gives_up_waiting_takes_nobodys_place() -> None:
    window = Window(1)
    async with window.place(), asyncio.TaskGroup() as tasks:
        impatient = tasks.create_task(_crowd(window, 1))
        await asyncio.sleep(0)
        impatient.cancel()

    assert impatient.cancelled()
    assert await _crowd(window, 5) == 1
