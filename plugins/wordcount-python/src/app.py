"""Counts words. `componentize-py -d wit bindings .` writes the package `wit_world` for an editor to read."""

import re
from collections import Counter
from typing import Optional

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.words import Counts, Error_Invalid, Frequency

WORD = re.compile(r"\w+(?:['’-]\w+)*")
STOP_WORDS = sorted(
    """a an and are as at be but by for from has have he her his i if in is it its not of on or she so that the
    their them then there they this to was we were what when which who will with you your""".split()
)


class Words(exports.Words):
    async def count(self, text: str, top: int) -> Counts:
        words = WORD.findall(text.lower())
        if not words:
            raise Err(Error_Invalid("there is no word in the text"))
        telling = Counter(word for word in words if word not in STOP_WORDS)
        frequent = telling.most_common(top)
        return Counts(
            characters=len(text),
            words=len(words),
            lines=len(text.splitlines()),
            frequent=[Frequency(word, count) for word, count in frequent],
        )

    def list_stop_words(self, prefix: Optional[str]) -> list[str]:
        return [word for word in STOP_WORDS if word.startswith(prefix or "")]
