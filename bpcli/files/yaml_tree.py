"""YAML text in -> the tree of its nodes out, of which no object of Python is made."""

import codecs

import yaml

from bpcli.errors import readable

LONGEST = 200  # characters of what the parser says


class MalformedError(ValueError):
    """Text that is no YAML, on `line` and for this `reason`."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason


def compose(text: str | bytes) -> yaml.Node | None:
    """Return the tree of the text, whatever its tags ask for. Raises MalformedError."""
    decoded = text if isinstance(text, str) else _decode(text)
    try:
        return yaml.compose(decoded, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = readable(error.problem or error.context or "damaged", LONGEST)
        raise MalformedError(line, f"not YAML: {problem}") from error
    except yaml.reader.ReaderError as error:
        line = 1 + decoded[: error.position].count("\n")
        raise MalformedError(line, f"not YAML: {str(error).splitlines()[0]}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # of characters that are none
        raise MalformedError(1, f"not YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise MalformedError(1, "nested too deep for a configuration") from error


def _decode(text: bytes) -> str:
    encoding = "utf-16" if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + text[: error.start].count(b"\n")
        found = text[error.start : error.start + 1].hex()
        reason = f"not YAML: found the byte {found}, expected text in UTF-8; save it as UTF-8"
        raise MalformedError(line, reason) from error


class _Loader(yaml.SafeLoader):
    """Takes tabs between the parts of a line, and in JSON; as indentation YAML has none."""

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or self._is_after_text()):
            self.forward()
            super().scan_to_next_token()

    def _is_after_text(self) -> bool:
        line = self.buffer[self.pointer - self.column : self.pointer]
        return bool(line.strip())
