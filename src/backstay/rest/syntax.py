"""Reading text by recursive descent, remembering what could have stood where it went wrong.

The dialect's parse errors name a position, what was found there and everything that was expected,
and clients' tests compare that text. So the scanner keeps, as it goes, a *note*: the alternatives
that were looked for at the present position without success. A failure adds its own expectation
to the note; moving on forgets it; of two notes the one further into the text prevails.

A failure that moved the position is final, unless ``attempt`` takes the position back: this is the
difference between "not this alternative" and "this alternative, but written wrongly".

Most texts are right, and notes are dear. So a text is first read hastily, without notes, and read
again with care only when it turned out to be wrong: ``parsed`` does both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

T = TypeVar("T")

FOUND, UNWANTED, EXPECTED, EXPECTED_TEXT = range(4)
"""Kinds of messages, in the order they are shown: a character found, something complete that may
not follow, something that was looked for, by its description or by its text."""

Message = tuple[int, str]

MAX_DEPTH = 50
"""How deeply parentheses may be nested: far beyond use, far below the interpreter's limit."""

LONGEST_EXPLAINED = 4096
"""Characters of a text that is read again with care: that costs up to 0.2 ms each, during which
nobody else is served. Of a longer one only the place where reading stopped is told."""

_BLANKS = re.compile(r"[ \t]*")


class Note(NamedTuple):
    """What is known of a position: its offset and the messages about it."""

    position: int
    messages: tuple[Message, ...]


class Unparsed(Exception):
    """The text does not have the form asked for."""

    def __init__(self, note: Note) -> None:
        super().__init__(note)
        self.note = note


class ParseError(Exception):
    """What is wrong with a text: where, and what was found and expected there."""

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


_UNEXPLAINED = Note(0, ())


def merged(one: Note | None, other: Note | None) -> Note | None:
    """What both notes say; of different positions the further one's."""
    if one is None or not one.messages:
        return other or one
    if other is None or not other.messages or one.position > other.position:
        return one
    if one.position < other.position:
        return other
    return Note(one.position, one.messages + other.messages)


def shown(text: str) -> str:
    """``text`` in double quotes, the way error messages show it."""
    return '"' + "".join(map(_shown_character, text)) + '"'


def _shown_character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if " " <= character <= "~" else f"\\{ord(character)}"


class Scanner:
    """A position in a text, with the note of what was looked for there when it is ``careful``."""

    __slots__ = ("careful", "depth", "note", "pos", "text")

    def __init__(self, text: str, *, careful: bool = True) -> None:
        self.text = text
        self.pos = 0
        self.depth = 0
        self.careful = careful
        self.note: Note | None = None

    def fail(self, *messages: Message) -> Unparsed:
        """The failure to raise: nothing suitable at the present position."""
        if not self.careful:
            return Unparsed(_UNEXPLAINED)
        note = merged(self.note, Note(self.pos, messages))
        return Unparsed(note or Note(self.pos, ()))

    def _found(self, position: int) -> Message:
        return FOUND, self.text[position : position + 1]

    def _differs(self, word: str) -> tuple[Message, Message]:
        """What to say of a ``word`` that is not here: the first character that is another."""
        same = 0
        while self.text[self.pos + same : self.pos + same + 1] == word[same]:
            same += 1
        return self._found(self.pos + same), (EXPECTED_TEXT, word)

    def _noted(self, *messages: Message) -> None:
        if self.careful:
            self.note = merged(self.note, Note(self.pos, messages))

    def starts(self, word: str) -> bool:
        return self.text.startswith(word, self.pos)

    # -- what consumes text ---------------------------------------------------------------------

    def char(self, wanted: str, label: str = "") -> str:
        """The one character ``wanted``; ``label`` is what to call it when it is missing."""
        if not self.text.startswith(wanted, self.pos):
            if not self.careful:
                raise Unparsed(_UNEXPLAINED)
            kind = EXPECTED if label else EXPECTED_TEXT
            raise self.fail(self._found(self.pos), (kind, label or wanted))
        self.pos += 1
        self.note = None
        return wanted

    def word(self, wanted: str) -> str:
        """``wanted``, whole. A word that begins alike and goes on otherwise is a final failure."""
        if self.starts(wanted):
            self.pos += len(wanted)
            self.note = None
            return wanted
        failure = self.fail(*self._differs(wanted))
        if self.text[self.pos : self.pos + 1] == wanted[0]:
            self.pos += 1
        raise failure

    def one_of(self, *words: str) -> str:
        """The first of ``words`` that stands here, none of them being a final failure."""
        for word in words:
            if self.starts(word):
                self.pos += len(word)
                self.note = None
                return word
        if not self.careful:
            raise self.fail()
        raise self.fail(*(message for word in words for message in self._differs(word)))

    def many(self, pattern: re.Pattern[str], *expected: str, least: int = 0) -> str:
        """The characters here that ``pattern``, a repeated class, matches: ``least`` of them."""
        match = pattern.match(self.text, self.pos)
        end = match.end() if match else self.pos
        taken = self.text[self.pos : end]
        messages: tuple[Message, ...] = ()
        if self.careful:
            messages = (self._found(end), *((EXPECTED, label) for label in expected))
        if len(taken) < least:
            raise self.fail(*messages)
        if taken:
            self.pos, self.note = end, None
        self._noted(*messages)
        return taken

    def blanks(self) -> None:
        match = _BLANKS.match(self.text, self.pos)
        if match and match.end() > self.pos:
            self.pos, self.note = match.end(), None
        if self.careful:
            self._noted(self._found(self.pos))

    def rest(self) -> str:
        """Everything that is left."""
        taken = self.text[self.pos :]
        if taken:
            self.pos, self.note = len(self.text), None
        return taken

    # -- what only looks ------------------------------------------------------------------------

    def at_end(self) -> None:
        if self.pos < len(self.text):
            character = self.text[self.pos]
            quoted = "'\\''" if character == "'" else f"'{shown(character)[1:-1]}'"
            raise self.fail((UNWANTED, quoted), (EXPECTED, "end of input"))
        self._noted(self._found(self.pos), (EXPECTED, "end of input"))

    def ends(self, *words: str) -> None:
        """One of ``words`` stands here, or the end of the text."""
        for word in words:
            if self.starts(word):
                return
        if self.careful:
            for word in words:
                self._noted(*self._differs(word))
        self.at_end()

    def not_before(self, forbidden: re.Pattern[str]) -> None:
        """The next character is not one that ``forbidden`` matches."""
        match = forbidden.match(self.text, self.pos)
        if match:
            note = Note(self.pos + 1, ((UNWANTED, f"'{shown(match.group())[1:-1]}'"),))
            raise Unparsed(merged(self.note, note) or note)
        self._noted(self._found(self.pos))

    # -- how parts are put together -------------------------------------------------------------

    def attempt(self, part: Callable[[], T]) -> T:
        """``part``, whose failure leaves the position where it was."""
        start, note = self.pos, self.note
        try:
            return part()
        except Unparsed as failure:
            self.pos = start
            raise Unparsed(merged(note, failure.note) or failure.note) from None

    def either(self, *parts: Callable[[], T]) -> T:
        """The first of ``parts`` that does not fail; a failure that moved on is final."""
        start = self.pos
        for part in parts[:-1]:
            try:
                return part()
            except Unparsed as failure:
                if self.pos != start:
                    raise
                self.note = failure.note
        return parts[-1]()

    def optional(self, part: Callable[[], T]) -> T | None:
        """``part``, or None when it is not there."""
        start = self.pos
        try:
            return part()
        except Unparsed as failure:
            if self.pos != start:
                raise
            self.note = failure.note
            return None

    def labelled(self, label: str, part: Callable[[], T]) -> T:
        """``part``, called ``label`` when it is missing, whatever it is made of."""
        if not self.careful:
            return part()
        start, before = self.pos, self.note
        self.note = None
        try:
            value = part()
        except Unparsed as failure:
            if self.pos != start:
                raise
            note = _relabelled(failure.note, label)
            raise Unparsed(merged(before, note) or note) from None
        if self.pos == start:
            self.note = merged(before, _labelled(self.note, label))
        return value

    def separated(self, part: Callable[[], T], separator: Callable[[], object]) -> list[T]:
        """One ``part`` or more, a ``separator`` between each two."""
        parts = [part()]
        while True:
            start = self.pos
            try:
                separator()
            except Unparsed as failure:
                if self.pos != start:
                    raise
                self.note = failure.note
                return parts
            parts.append(part())

    def nested(self, part: Callable[[], T]) -> T:
        """``part``, one parenthesis deeper."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unparsed(Note(self.pos, ((EXPECTED, f"at most {MAX_DEPTH} nested parentheses"),)))
        value = part()
        self.depth -= 1
        return value


def _labelled(note: Note | None, label: str) -> Note | None:
    return _relabelled(note, label) if note and note.messages else note


def _relabelled(note: Note, label: str) -> Note:
    kept = tuple(message for message in note.messages if message[0] < EXPECTED)
    return Note(note.position, ((EXPECTED, label), *kept))


def parsed(text: str, what: str, grammar: Callable[[Scanner], T]) -> T:
    """``text`` read by ``grammar``. Raises ``ParseError``, which calls the text ``what``."""
    scanner = Scanner(text, careful=False)
    try:
        return grammar(scanner)
    except Unparsed as failure:
        if len(text) > LONGEST_EXPLAINED:
            found = Note(scanner.pos, ((FOUND, text[scanner.pos : scanner.pos + 1]),))
            note = failure.note if failure.note.messages else found
            raise ParseError(*described(text, what, note)) from None
    try:
        return grammar(Scanner(text))
    except Unparsed as failure:
        raise ParseError(*described(text, what, failure.note)) from None


def described(text: str, what: str, note: Note) -> tuple[str, str]:
    """Message and details of a parse error: where it is, and what was found and expected."""
    line, column = 1, 1
    for character in text[: note.position]:
        if character == "\n":
            line, column = line + 1, 1
        elif character == "\t":
            column += 8 - (column - 1) % 8
        else:
            column += 1
    return f'"{what}" (line {line}, column {column})', _details(note)


def _details(note: Note) -> str:
    by_kind: list[list[str]] = [[], [], []]
    for kind, text in note.messages:
        quoted = kind == EXPECTED_TEXT or (kind == FOUND and text != "")
        by_kind[min(kind, EXPECTED)].append(shown(text) if quoted else text)
    found, unwanted, expected = by_kind
    parts: list[str] = []
    if unwanted:
        parts.append("unexpected " + _listed(unwanted))
    elif found:
        parts.append("unexpected " + (found[0] or "end of input"))
    if expected := [text for text in expected if text]:
        parts.append("expecting " + _listed(expected))
    return " ".join(parts) or "unknown parse error"


def _listed(words: list[str]) -> str:
    unique = list(dict.fromkeys(words))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} or {unique[-1]}"
