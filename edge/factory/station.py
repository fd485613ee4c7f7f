"""A station: looks at its ports, begins a run for each board, and tells how each stands.

One thread looks and decides; each board has a worker of its own, so that one never holds up
another. Whatever has been told is in the ledger before.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from edge.errors import EdgeError, InputError
from edge.factory import golden as samples
from edge.factory import scanning, stuck
from edge.factory.admission import Admission, Admitted, Refused, Sample, Want
from edge.factory.attempt import Patience
from edge.factory.books import Books
from edge.factory.engine import Rule, State
from edge.factory.entry import Kind, Said
from edge.factory.events import Event, Light, Listener, PortEvent, ScanEvent, StationEvent
from edge.factory.line import Line
from edge.factory.ports import Ports, Seen
from edge.factory.shift import Shift, Tally, shown
from edge.factory.slot import Slot
from edge.factory.steps.step import Job, Step
from edge.factory.worker import Place, Worker


class Station:
    """A station that runs until it is stopped, or has made what was wanted.

    Args:
        line: What is made.
        shift: How it is run.
        books: What is written down and looked up; closed at the end.
        ports: Where boards are plugged in.
        steps: What is done, by name.
        listener: Who is told.
    """

    def __init__(
        self,
        line: Line,
        shift: Shift,
        books: Books,
        ports: Ports,
        steps: Mapping[str, Step],
        listener: Listener,
    ) -> None:
        self._line, self._shift, self._books = line, shift, books
        self._ports, self._steps, self._listener = ports, steps, listener
        self._slots = {name: Slot(name) for name in ports.names}
        self._stop, self._wake = threading.Event(), threading.Event()
        self._lock = threading.RLock()
        self._scans: list[str] = []
        self._failure: BaseException | None = None
        self._state = StationEvent(
            shift.station,
            line.line,
            line.product,
            ports.names,
            shift.operator,
            shift.order,
            wanted=shift.wanted,
        )
        self._admission = Admission(line, books, shift.now_ms)
        self._patience = Patience(shift.clock_s, self._stop)
        rules = tuple(Rule(one.step, one.retries, one.on_failure) for one in line.steps)
        timeouts_s = {one.step: float(one.timeout_s) for one in line.steps}
        self._place = Place(
            books.ledger, steps, rules, timeouts_s, self._told, self._is_there, self._patience
        )

    def stop(self) -> None:
        """End it soon: every run that is under way ends as failed; from any thread."""
        self._stop.set()
        self._wake.set()

    def nobody_answers(self) -> None:
        """Say that nothing will be scanned any more: what asks has failed; from any thread."""
        self._place.is_alone.set()
        self._wake.set()

    def scan(self, text: str) -> None:
        """Take a line of the scanner or the keyboard; from any thread."""
        with self._lock:
            self._scans.append(text)
        self._wake.set()

    def run(self) -> Tally:
        """Work until it is stopped, or has made what was wanted.

        Raises:
            EdgeError: The ledger takes no more.
        """
        try:
            cut_short = self._books.end_open_runs()
            self._say_shift("begin", {"ports": list(self._ports.names), "cut_short": cut_short})
            for port in self._ports.names:
                self._told(PortEvent(port, Light.EMPTY, advice="plug a board in"))
            self._tell_state()
            while not self._stop.is_set() and not self._is_done():
                self._look()
                self._wake.wait(self._shift.look_every_s)
                self._wake.clear()
        finally:
            self._finish()
        if self._failure is not None:
            raise self._failure
        return self.tally

    @property
    def tally(self) -> Tally:
        """What was made so far."""
        return Tally(self._state.good, self._state.failed, self._state.first_pass)

    def _finish(self) -> None:
        self._stop.set()
        for slot in self._slots.values():
            if slot.thread is not None:
                slot.thread.join()
                self._ended(slot)
        try:
            if self._failure is None:
                self._say_shift("end", {"good": self._state.good, "failed": self._state.failed})
        finally:
            self._books.close()

    def _is_done(self) -> bool:
        if self._failure is not None:
            return True
        if any(slot.thread for slot in self._slots.values()):
            return False
        wanted = self._shift.wanted
        has_enough = wanted is not None and self._state.good >= wanted
        is_last = self._shift.once or self._has_no_next()
        return has_enough or (is_last and all(slot.is_done for slot in self._slots.values()))

    def _has_no_next(self) -> bool:
        """Return whether nobody is there to change boards where that is not seen."""
        is_alone = self._place.is_alone.is_set()
        return is_alone and not any(self._ports.is_watched(name) for name in self._slots)

    def _look(self) -> None:
        self._take_scans()
        busy = frozenset(name for name, slot in self._slots.items() if slot.is_busy)
        try:
            found = self._ports.look(busy)
        except EdgeError as error:
            self._note(str(error))
            return
        self._note("")
        for slot in self._slots.values():
            if slot.thread is not None and not slot.thread.is_alive():
                self._ended(slot)  # what was seen is older than what was told now
            elif not slot.is_busy and not self._stop.is_set():
                self._serve(slot, found.get(slot.port))

    def _serve(self, slot: Slot, seen: Seen | None) -> None:
        """Begin what is to begin at a port where nothing runs."""
        if seen is not None and self._is_enough(slot):
            return
        if seen is None:
            slot.seen, slot.wants, slot.label = None, Want.NOTHING, None
            if slot.light is not Light.EMPTY:
                self._told(PortEvent(slot.port, Light.EMPTY, advice="plug a board in"))
            return
        if slot.seen is None or slot.seen.session != seen.session:
            slot.seen, slot.wants, slot.last, slot.label = seen, Want.NOTHING, None, None
            self._admit(slot, seen)
        elif self._is_held_back(slot):
            self._admit(slot, slot.seen)

    def _is_held_back(self, slot: Slot) -> bool:
        """Return whether what kept a board waiting may be over."""
        is_alone = self._place.is_alone.is_set()
        return slot.light is Light.ASKING and (is_alone or slot.wants is Want.NOTHING)

    def _admit(self, slot: Slot, seen: Seen, scanned: str = "") -> None:
        active = {
            one.seen.serial: one.port
            for one in self._slots.values()
            if one is not slot and one.thread is not None and one.seen and one.seen.serial
        }
        match self._admission.of(seen, active, scanned):
            case Admitted(device=device):
                self._begin(slot, seen, device)
            case Sample(expected=expected):
                self._test_sample(slot, seen, expected=expected)
            case Refused() as refused:
                self._refuse(slot, seen, refused)

    def _refuse(self, slot: Slot, seen: Seen, refused: Refused) -> None:
        slot.wants = refused.wants
        is_lost = refused.wants is not Want.NOTHING and self._place.is_alone.is_set()
        light = Light.BAD if is_lost else refused.light
        self._told(
            PortEvent(
                slot.port,
                light,
                device=refused.device,
                serial=seen.serial,
                advice=refused.advice,
                note=refused.reason,
            )
        )
        if self._shift.once and light is not Light.ASKING:
            slot.is_done = True
            failed = self._state.failed + (light is Light.BAD)
            self._state = replace(self._state, failed=failed)
            self._tell_state()

    def _is_enough(self, slot: Slot) -> bool:
        wanted = self._shift.wanted
        if self._shift.once and slot.is_done:
            return True
        under_way = sum(slot.worker is not None for slot in self._slots.values())
        return wanted is not None and self._state.good + under_way >= wanted

    def _begin(self, slot: Slot, seen: Seen, device: str) -> None:
        worker = Worker(
            self._place,
            self._next_unit(),
            device,
            slot.port,
            seen,
            self._state.order,
            self._state.operator,
        )
        worker.begin()
        slot.worker, slot.wants = worker, Want.NOTHING
        self._start(slot, lambda: worker.work())

    def _next_unit(self) -> str:
        return f"{self._shift.station}-{self._books.index.units + 1}"

    def _test_sample(self, slot: Slot, seen: Seen, *, expected: bool) -> None:
        own = {one.step: self._steps[one.step] for one in self._line.steps if one.run}
        unit = f"{self._shift.station}-golden-{self._books.ledger.count + 1}"
        job = Job(unit, "", slot.port, seen, operator=self._state.operator)
        self._told(PortEvent(slot.port, Light.WORKING, unit, serial=seen.serial, step="golden"))

        def work() -> None:
            result = samples.tested(
                own, self._place.timeouts_s, job, self._patience, expected=expected
            )
            if self._stop.is_set():
                return
            samples.record(self._books.ledger, job, result)
            light = Light.GOOD if result.as_expected else Light.BAD
            note = result.reason or ("it passed" if result.passed else "")
            advice = "take it out" if result.as_expected else "do not make any: call for service"
            self._told(
                PortEvent(
                    slot.port,
                    light,
                    unit,
                    serial=seen.serial,
                    step="golden",
                    advice=advice,
                    note=note,
                )
            )

        slot.worker = None
        self._start(slot, work)

    def _start(self, slot: Slot, work: Callable[[], object]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001  # raised again by `run`
                self._failure = self._failure or error
                self._stop.set()
            self._wake.set()

        slot.thread = threading.Thread(target=guarded, name=slot.port, daemon=True)
        slot.thread.start()

    def _ended(self, slot: Slot) -> None:
        worker, slot.worker, slot.thread = slot.worker, None, None
        if worker is None or not worker.is_recorded:
            return
        slot.hung = worker.hung
        run = worker.run
        is_good = run.state is State.GOOD
        slot.label = stuck.label_of(worker, self._line.product) if is_good else None
        is_first = run.failures == 0 and self._books.index.devices[worker.device].runs == 1
        with self._lock:
            self._state = replace(
                self._state,
                good=self._state.good + is_good,
                failed=self._state.failed + (not is_good),
                first_pass=self._state.first_pass + (is_good and is_first),
            )
        is_endless = is_good and not self._shift.once and self._ports.is_endless(slot.port)
        if is_endless:
            self._ports.next(slot.port)
        slot.is_done = not is_endless
        is_last = self._shift.once or is_endless
        by_hand = not is_last and not self._ports.is_watched(slot.port)
        self._told(shown(worker, run, by_hand=by_hand))
        self._tell_state()

    def _is_there(self, port: str, seen: Seen) -> bool:
        try:
            now = self._ports.at(port)
        except EdgeError:
            return False
        return now is not None and not now.is_other(seen)

    def _take_scans(self) -> None:
        with self._lock:
            scans, self._scans = self._scans, []
        for text in scans:
            try:
                note = self._scanned(scanning.parse(text))
            except EdgeError as error:
                self._tell(ScanEvent(text, accepted=False, note=str(error)))
            else:
                self._tell(ScanEvent(text, accepted=True, note=note))

    def _scanned(self, scan: scanning.Scan) -> str:
        match scan:
            case scanning.Order(text=text):
                self._state = replace(self._state, order=text)
                self._tell_state()
                return f"order {text}"
            case scanning.Operator(name=name):
                self._state = replace(self._state, operator=name)
                self._say_shift("operator", {})
                self._tell_state()
                return f"operator {name}"
            case scanning.Answered(answer=answer, port=port):
                slot = self._one(port, lambda one: one.worker is not None and one.worker.is_asking)
                assert slot.worker is not None
                slot.worker.answers.put(answer)
                return f"{answer} at {slot.port}"
            case scanning.Next(port=port):
                slot = self._one(
                    port, lambda one: not one.is_busy and not self._ports.is_watched(one.port)
                )
                self._ports.next(slot.port)
                return f"next at {slot.port}"
            case scanning.Stuck(code=code, port=port):
                found = stuck.judged(code, port, self._slots.values())
                self._say_shift("label", found.details())
                return found.said()
            case scanning.Text(text=text):
                slot = self._one("", lambda one: one.wants is not Want.NOTHING)
                assert slot.seen is not None
                what = slot.wants
                if what is Want.SERIAL:
                    slot.seen = replace(slot.seen, serial=text)
                self._admit(slot, slot.seen, text if what is Want.ID else "")
                return f"{what} {text} at {slot.port}"

    def _one(self, port: str, fits: Callable[[Slot], bool]) -> Slot:
        """Return the port that is meant.

        Raises:
            InputError: None fits, or several do.
        """
        fitting = [one for one in self._slots.values() if port in ("", one.port) and fits(one)]
        if len(fitting) != 1:
            names = ", ".join(one.port for one in fitting)
            raise InputError(
                f"several ports could be meant: {names}" if fitting else "no port waits for that",
                hint="say the port behind it",
            )
        return fitting[0]

    def _say_shift(self, what: str, details: Mapping[str, object]) -> None:
        said = {"shift": what, "order": self._state.order, **details}
        self._books.ledger.append(Said(Kind.SHIFT, operator=self._state.operator, details=said))

    def _note(self, text: str) -> None:
        if self._state.note != text:
            self._state = replace(self._state, note=text)
            self._tell_state()

    def _tell_state(self) -> None:
        left = self._books.ids.left if self._books.ids is not None else 0
        self._tell(replace(self._state, left=left))

    def _told(self, event: PortEvent) -> None:
        slot = self._slots[event.port]
        with self._lock:
            if slot.last != event:
                slot.last = event
                self._listener(event)

    def _tell(self, event: Event) -> None:
        with self._lock:
            self._listener(event)
