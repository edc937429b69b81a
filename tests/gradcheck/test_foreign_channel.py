"""Messages come out of a channel as they went in, whatever else is written into it."""

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.gradcheck.foreign.channel import TEXT, FloodError, Receiver, Sender, hide

KEY = "0123456789abcdef"


def read_all(data, chunk=1 << 16):
    """Return the messages in bytes that come in chunks."""
    end, start = os.pipe()
    receiver = Receiver(os.fdopen(end, "rb", 0), KEY)

    def write():
        for i in range(0, len(data), chunk):
            os.write(start, data[i : i + chunk])
        os.close(start)

    thread = threading.Thread(target=write)
    thread.start()
    found = []
    try:
        while True:
            found += filter(None, [receiver.receive(60)])
    except EOFError:
        return found
    finally:
        receiver.close()
        thread.join()


def sent(*messages):
    """Return the bytes of messages."""
    end, start = os.pipe()
    sender = Sender(start, KEY)
    for message in messages:
        sender.send(**message)
    os.close(start)
    with os.fdopen(end, "rb") as file:
        return file.read()


@given(st.lists(st.binary().filter(lambda junk: KEY.encode() not in junk)), st.integers(1, 30))
def test_junk_between_messages_is_left_out(junk, chunk):
    messages = [{"number": i} for i in range(len(junk))]
    data = b"".join(rest + sent(message) for rest, message in zip(junk, messages, strict=True))
    assert read_all(data, chunk) == messages


def test_a_message_without_the_key_is_none():
    assert read_all(sent({"a": 1}).replace(KEY.encode(), b"fedcba9876543210") + sent({"b": 2})) == [
        {"b": 2}
    ]


def test_a_message_that_is_cut_off_costs_no_other():
    data = sent({"a": 1})[:-5] + b"\n" + sent({"b": 2})
    assert read_all(data) == [{"b": 2}]


def test_long_lines_are_not_kept():
    assert read_all(b"x" * (5 << 20) + sent({"a": 1})) == [{"a": 1}]


def test_too_much_is_told(monkeypatch):
    monkeypatch.setattr("bpcli.gradcheck.foreign.channel.MOST", 1000)
    with pytest.raises(FloodError, match="more than 1,000 bytes"):
        read_all(b"x" * 2000)


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(allow_nan=False), st.lists))
def test_values_come_out_as_they_are_or_cut(value):
    (found,) = read_all(sent({"value": value}))
    if value is None or (isinstance(value, int) and abs(value) < 2**63):
        assert found == {"value": value}
    if isinstance(value, str) and len(value) <= TEXT:
        assert found == {"value": value}


def test_a_text_a_list_and_a_number_have_a_length():
    (found,) = read_all(sent({"text": "x" * 10**6, "list": [1] * 10**5, "number": 10**400}))
    assert len(found["text"]) < 3000
    assert len(found["list"]) == 1000
    assert found["number"] is None


def test_a_drop_of_junk_now_and_then_keeps_nobody_waiting():
    end, start = os.pipe()
    receiver, stop = Receiver(os.fdopen(end, "rb", 0), KEY), threading.Event()

    def drip():
        while not stop.wait(0.01):
            os.write(start, b".")
        os.close(start)

    thread = threading.Thread(target=drip)
    thread.start()
    assert receiver.receive(0.3) is None
    stop.set()
    receiver.close()
    thread.join()


def test_a_hidden_descriptor_is_not_inherited():
    end, start = os.pipe()
    hidden = hide(start)
    assert hidden >= 100
    assert not os.get_inheritable(hidden)
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(start)
    os.close(hidden)
    os.close(end)
