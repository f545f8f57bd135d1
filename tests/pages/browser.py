"""Headless Chromium over its DevTools protocol, with every host but loopback out of reach."""

import base64
import contextlib
import json
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

# DevTools messages are JSON objects of many shapes; only single members are read here.
Message = dict[str, Any]

ANSWER_S: Final = 30.0
"""How long the browser may take for one answer, including what the page awaits."""

_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_WATCH_VIOLATIONS: Final = """
    window.violations = [];
    addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
"""
_UNTIL: Final = """
    new Promise((resolve, reject) => {
      const holds = () => { try { return (%(condition)s) } catch { return false } };
      const limit = setTimeout(() => reject(new Error(
        "never: " + %(name)s + " in " + document.body.innerText.slice(0, 400))), 20000);
      const look = () => holds()
        ? (clearTimeout(limit), resolve(true)) : requestAnimationFrame(look);
      look();
    })
"""
_MIDDLE: Final = """
    new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("cannot press " + %(selector)s)), 20000);
      let before = "";
      const look = () => {
        const found = [...document.querySelectorAll(%(selector)s)]
          .find((each) => each.innerText.includes(%(text)s));
        const box = found?.getBoundingClientRect();
        const middle = box && [box.x + box.width / 2, box.y + box.height / 2];
        // A menu that still opens moves; what something else covers cannot be pressed.
        if (middle && String(middle) === before
            && found.contains(document.elementFromPoint(...middle))) {
          clearTimeout(limit);
          resolve(middle);
        } else {
          before = String(middle);
          requestAnimationFrame(look);
        }
      };
      look();
    })
"""


@dataclass(slots=True)
class Page:
    """One tab in a profile of its own, and all that it did since it was opened."""

    connection: ClientConnection
    session_id: str
    events: list[Message] = field(default_factory=list[Message])
    last_id: int = 0

    def send(self, method: str, **parameters: object) -> Message:
        """Ask the browser and give back its answer; events on the way are kept."""
        self.last_id += 1
        request = {"id": self.last_id, "method": method, "params": parameters}
        if self.session_id:
            request["sessionId"] = self.session_id
        self.connection.send(json.dumps(request))
        deadline = time.monotonic() + ANSWER_S
        while True:
            left = deadline - time.monotonic()
            message: Message = json.loads(self.connection.recv(timeout=left))
            if message.get("id") == self.last_id:
                break
            self.events.append(message)
        if "error" in message:
            raise AssertionError(f"{method}: {message['error']}")
        return message["result"]

    def open(self, url: str) -> None:
        self.send("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - any JSON value
        """Value of a JavaScript expression; a promise is awaited."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def wait_until(self, condition: str) -> None:
        """Return when the condition holds in the page, fail after 20 seconds."""
        self.evaluate(_UNTIL % {"condition": condition, "name": json.dumps(condition)})

    def wait_for_text(self, selector: str, text: str) -> None:
        element = f"document.querySelector({json.dumps(selector)})"
        self.wait_until(f"{element}.innerText.includes({json.dumps(text)})")

    def click(self, selector: str, text: str = "") -> None:
        """Press the left button on the element that holds the text, once it stands still."""
        box = self.evaluate(_MIDDLE % {"selector": json.dumps(selector), "text": json.dumps(text)})
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    def type(self, selector: str, text: str) -> None:
        """Replace what stands in a field by the text."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self.send("Input.insertText", text=text)

    def screenshot(self, file: Path) -> Path:
        answer = self.send("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(answer["data"]))
        return file

    def requests(self) -> list[Message]:
        """Requests over the network, in order; data: and blob: are none."""
        sent = [
            event["params"]["request"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [each for each in sent if not each["url"].startswith(("data:", "blob:"))]

    def complaints(self) -> list[str]:
        """Violations of the content security policy, uncaught exceptions, errors in the console."""
        found = [str(each) for each in self.evaluate("window.violations")]
        for event in self.events:
            parameters = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(parameters["exceptionDetails"])[:600])
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                found.append(f"{parameters['entry']['text']} {parameters['entry'].get('url')}")
            elif event["method"] == "Runtime.consoleAPICalled" and parameters["type"] == "error":
                found.append(json.dumps(parameters["args"])[:600])
        return found


@dataclass(frozen=True, slots=True)
class Browser:
    endpoint: str

    @contextlib.contextmanager
    def page(self, *, width: int = 1360, height: int = 860) -> Generator[Page]:
        """A fresh tab that shares no storage with any other."""
        with connect(self.endpoint, max_size=None) as connection:
            root = Page(connection, session_id="")
            context = root.send("Target.createBrowserContext")["browserContextId"]
            target = root.send("Target.createTarget", url="about:blank", browserContextId=context)
            attached = root.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            page = Page(connection, attached["sessionId"], last_id=root.last_id)
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.send(f"{domain}.enable")
            page.send("Page.addScriptToEvaluateOnNewDocument", source=_WATCH_VIOLATIONS)
            page.send(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height,
                deviceScaleFactor=1,
                mobile=False,
            )
            try:
                yield page
            finally:  # an open tab would hold its streams, and with them the gateway
                root.last_id = page.last_id
                root.send("Target.disposeBrowserContext", browserContextId=context)


@contextlib.contextmanager
def run_browser(executable: str, profile: Path) -> Generator[Browser]:
    """A browser process; it ends with the block."""
    command = [executable, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(  # noqa: S603 - the executable was found on the PATH
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        yield Browser(_endpoint(process))
    finally:
        process.kill()
        process.communicate()


def _endpoint(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("DevTools listening on "):
            return line.removeprefix("DevTools listening on ").strip()
    raise AssertionError(f"Chromium ended before it listened:\n{''.join(said)}")
