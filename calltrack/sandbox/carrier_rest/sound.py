"""The sound of recordings: as long as the call was, one tone a second for each side, as WAV or MP3."""

from __future__ import annotations

import math
import struct
from functools import cache

RATE = 8000
CALLER_TONE, BUSINESS_TONE = 440, 330
LONGEST = 3600
# MPEG-2 layer III, 8 kbit/s, 16 kHz: 36 bytes are 36 ms. Zeros after the header mean silence.
MONO_FRAME = bytes((0xFF, 0xF3, 0x18, 0xC0)) + bytes(32)
STEREO_FRAME = bytes((0xFF, 0xF3, 0x18, 0x00)) + bytes(32)
FRAME_SECONDS = 0.036


def wav(seconds: int, channels: int) -> bytes:
    """Return a WAV file, 8 kHz, 16 bit."""
    seconds = min(max(seconds, 0), LONGEST)
    size = seconds * RATE * 2 * channels
    header = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, channels, RATE, RATE * 2 * channels, 2 * channels, 16)
    header += b"data" + struct.pack("<I", size)
    caller, business = _second(True, channels), _second(False, channels)
    return header + (caller + business) * (seconds // 2) + (caller if seconds % 2 else b"")


def mp3(seconds: int, channels: int) -> bytes:
    """Return a silent MP3 file of that length."""
    frames = math.ceil(min(max(seconds, 0), LONGEST) / FRAME_SECONDS)
    return (STEREO_FRAME if channels == 2 else MONO_FRAME) * max(1, frames)


@cache
def _second(caller_speaks: bool, channels: int) -> bytes:
    """Return one second in which one side speaks; with two channels the other is silent."""
    pitch = CALLER_TONE if caller_speaks else BUSINESS_TONE
    samples = bytearray()
    for index in range(RATE):
        fade = min(1.0, index / 400, (RATE - 1 - index) / 400)
        value = int(6000 * fade * math.sin(2 * math.pi * pitch * index / RATE))
        sides = (value,) if channels == 1 else ((value, 0) if caller_speaks else (0, value))
        samples += struct.pack(f"<{channels}h", *sides)
    return bytes(samples)
