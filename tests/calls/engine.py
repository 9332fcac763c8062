"""A tiny engine: reads a WAV on its standard input and prints what it 'heard' (see docs/calls.md)."""

import io
import json
import os
import sys
import time
import wave

how = sys.argv[1] if len(sys.argv) > 1 else "speak"
sound = sys.stdin.buffer.read()
if how == "sleep":
    time.sleep(60)
if how == "fail":
    sys.exit(3)
if how == "babble":
    print("no json")
    sys.exit(0)
with wave.open(io.BytesIO(sound)) as opened:
    seconds = opened.getnframes() / opened.getframerate()
    channels = opened.getnchannels()
secrets = sorted(name for name in os.environ if "KEY" in name or "TOKEN" in name)
segments = [
    {"start": 2.04, "channel": 2, "text": "Traslochi Prova,  buongiorno"},
    {"start": 4.0, "channel": 1, "text": "Vorrei un preventivo per due pianoforti"},
    {"start": 9.0, "channel": 1, "text": "la carta è 4111 1111"},
    {"start": 11.0, "channel": 1, "text": "1111 1111"},
    {"start": seconds, "channel": 0, "text": f"{'stereo' if channels > 1 else 'mono'}, secrets: {secrets}"},
]
print(json.dumps({"language": "it", "segments": segments}))
