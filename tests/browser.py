"""A real browser without a window: Debian's chromium, spoken to over a pipe by its own DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LOAD_SECONDS = 30
_PRESS_SECONDS = 3
_PRESSED = "button, a, [role=tab], [role=menuitem], [role=option], [role=combobox]"
_CHOSEN = "[role=option]"
# The Web UI shows Markdown in frames of their own, which are told their content in their address.
_TEXT = """
(() => {
    if (!document.body) return '';
    const frames = [...document.querySelectorAll('iframe')];
    return [document.body.innerText, ...frames.map(frame => decodeURIComponent(frame.src) + frame.srcdoc)].join(' ');
})()
"""


def chromium() -> str | None:
    """The path of the browser; None on a machine that has none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def says(words: str, what: str = _PRESSED) -> str:
    """The condition that something visible on the page begins with these words."""
    return f"{_found(words, what)}.length > 0"


def gone(words: str, what: str = _PRESSED) -> str:
    """The condition that nothing visible on the page begins with these words."""
    return f"{_found(words, what)}.length === 0"


def _found(words: str, what: str) -> str:
    return (
        f"[...document.querySelectorAll({json.dumps(what)})]"
        ".filter(item => (item.innerText.trim() || item.querySelector('input')?.value || '')"
        f".startsWith({json.dumps(words)}) && item.getClientRects().length)"
    )


class Browser:
    """One page."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number = 0
        self._rest = b""
        target = self._call("Target.createTarget", {"url": "about:blank"})
        attached = self._call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        self._session: str | None = attached["sessionId"]

    def open(self, address: str, until: str) -> str:
        """The text of a page, once it says what is waited for. Raises TimeoutError with what it says instead."""
        self._call("Page.navigate", {"url": address})
        deadline = time.monotonic() + _LOAD_SECONDS
        while until not in (text := self.text()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} does not say {until}, but: {text[:2000]}")
            time.sleep(0.2)
        return text

    def text(self) -> str:
        """What the page says now."""
        return str(self._evaluate(_TEXT) or "")

    def press(self, words: str, what: str = _PRESSED, until: str | None = None) -> None:
        """Press what says these words, with the mouse; waits until it is there. `what` is a CSS selector.

        `until` is what must hold on the page afterwards (`says`, `gone`): a page that is still being put in order can
        swallow a press or move its neighbour below it, so it is pressed again until it does.
        """
        deadline = time.monotonic() + _LOAD_SECONDS
        while True:
            self._press(words, what)
            if until is None or self.becomes(until):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{words or what} was pressed in vain, the page says: {self.text()[:2000]}")

    def choose(self, words: str, box: str) -> None:
        """Choose what says these words in a box that opens when it is pressed; `box` is its CSS selector."""
        deadline = time.monotonic() + _LOAD_SECONDS
        while True:
            self.press("", box, until=says(words, _CHOSEN))
            self._press(words, _CHOSEN)
            if self.becomes(says(words, box)):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{words} was chosen in vain, the page says: {self.text()[:2000]}")

    def write(self, text: str, into: str) -> None:
        """Type into a field that is empty; `into` is its CSS selector."""
        self.press("", into, until=f"document.activeElement.matches({json.dumps(into)})")
        self._call("Input.insertText", {"text": text})

    def _press(self, words: str, what: str) -> None:
        script = (
            f"(() => {{ const all = {_found(words, what)};"
            " if (!all.length) return null; all[0].scrollIntoView({block: 'nearest'});"
            " const box = all[0].getBoundingClientRect();"
            " return {x: box.x + box.width / 2, y: box.y + box.height / 2}; })()"
        )
        deadline = time.monotonic() + _LOAD_SECONDS
        before = None
        while True:
            place = self._evaluate(script)
            if place and place == before:
                break  # it has stopped moving
            before = place
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing on the page says {words}")
            time.sleep(0.2)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", {"type": kind, "button": "left", "clickCount": 1, **place})

    def becomes(self, condition: str) -> bool:
        """Whether a condition comes to hold on the page within a moment."""
        deadline = time.monotonic() + _PRESS_SECONDS
        while not self._evaluate(condition):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _evaluate(self, script: str) -> Any:
        found = self._call("Runtime.evaluate", {"expression": script, "returnByValue": True})
        return found["result"].get("value")

    def remember(self, settings: dict[str, Any]) -> None:
        """Put settings where the page keeps its own, for the pages that are opened from now on."""
        for name, value in settings.items():
            self._evaluate(f"localStorage.setItem({json.dumps(name)}, {json.dumps(json.dumps(value))})")

    def photograph(self, file: Path) -> None:
        """A picture of the page."""
        picture = self._call("Page.captureScreenshot", {"format": "png"})
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(picture["data"]))

    def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            answer = self._answer()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _answer(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser while the block runs; its profile stands in the folder."""
    program = chromium()
    assert program is not None
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    # The shell puts the pipes where the browser looks for them; plain sh may know single digits only.
    script = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
    flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-pipe",
        "--lang=en",
        "--window-size=1500,1300",
    ]
    command = ["bash", "-c", script, "bash", program, *flags, f"--user-data-dir={folder / 'chromium'}"]
    process = subprocess.Popen(
        command, pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(commands, answers)
    finally:
        process.terminate()
        process.wait(10)
        os.close(commands)
        os.close(answers)
