"""Runs inside the `nemo` environment: NeMo's adapter of multimodal conversations on an export, as JSON."""

import json
import sys

from nemo.collections.common.data.lhotse.text_adapters import NeMoMultimodalConversationJsonlAdapter

rows = []
for conversation in NeMoMultimodalConversationJsonlAdapter(sys.argv[1], audio_locator_tag="<|audio|>"):
    turns = []
    for turn in conversation.turns:
        cut = getattr(turn, "cut", None)
        if cut is None:
            turns.append({"role": turn.role, "text": turn.value})
        else:
            samples = cut.load_audio()
            turns.append(
                {"role": turn.role, "samples": samples.shape[1], "seconds": cut.duration, "sum": float(samples.sum())}
            )
    rows.append({"id": conversation.id, "turns": turns})
print("JSON" + json.dumps(rows))
