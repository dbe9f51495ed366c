"""How hard a text is to read: Flesch-Kincaid grade (English), INFLESZ (Spanish).

Source: Kincaid JP et al. Naval Technical Training Command Research Branch Report 8-75, 1975;
Barrio-Cantalejo IM et al. An Sist Sanit Navar 2008;31:135 (INFLESZ, on the formula of Szigriszt
Pazos 1993).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GRADE_AIM, GRADE_MOST = 6.0, 8.0
INFLESZ_LEAST = 60.0
_SENTENCE = re.compile(r"[.!?:]+(?=\s|$)")
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_NUMBER = re.compile(r"(?<!\w)[\d.,/°%]+(?!\w)")
_EN_GROUP = re.compile(r"[aeiouy]+")
_EN_ONE_SYLLABLE_ENDINGS = re.compile(r"(?:[^laeiouy]es|ed|[^laeiouy]e)$")
_EN_KEPT_ED = re.compile(r"[td]ed$")
_EN_KEPT_ES = re.compile(r"(?:[cgsxz]|ch|sh)es$")
_EN_APART = re.compile(
    r"(?<![ctsg])i(?:a|o(?!u|n)|um|us)|(?<![ctgx])iou|^ion|ii|[aeouy]ing"
    r"|(?<![dg])eo(?!p|u|ne)|(?<=[aeiouy].)ea$|(?<=[aeiouy]..)ea$|rrhea|^scie|(?<![tcs])ie(?=t|n[ct])"
    r"|(?<![gq])ua(?=l|ry|t)|(?<=[aou])y[aeo]|(?<=e)yo"
)
"""Neighboring vowels that are two syllables: area, serious, quiet, usual."""
_EN_INNER_E = re.compile(
    r"[^aeiouyl]e(?=(?:ful|fully|less|ly|ments?|lets?|thing|times?|one|where|body)$)"
)
"""A silent e inside a compound: platelets, careful, something."""
_EN_KNOWN = {"every": 2, "everyone": 3, "everything": 3, "everywhere": 3, "people": 2, "eyes": 1}
_ES_STRONG, _ES_WEAK = "aeoáéíóú", "iuü"


@dataclass(frozen=True)
class Measured:
    """Counts of a text.

    Attributes:
        sentences: words in each sentence.
        syllables: in all words.
    """

    sentences: tuple[int, ...]
    syllables: int

    @property
    def words(self) -> int:
        """Number of words."""
        return sum(self.sentences)


def syllables_en(word: str) -> int:
    """Count the syllables of an English word by its vowels; right to a few in a hundred."""
    word = word.lower().replace("’", "'").split("'")[0]
    if word in _EN_KNOWN:
        return _EN_KNOWN[word]
    count = len(_EN_GROUP.findall(word))
    silent = _EN_ONE_SYLLABLE_ENDINGS.search(word)
    if count > 1 and silent and not (_EN_KEPT_ED.search(word) or _EN_KEPT_ES.search(word)):
        count -= 1
    count += len(_EN_APART.findall(word)) - len(_EN_INNER_E.findall(word))
    return max(count, 1)


def syllables_es(word: str) -> int:
    """Count the syllables of a Spanish word by the rules of diphthongs and hiatus."""
    word = re.sub(r"qu(?=[eiéí])|gu(?=[eiéí])", "q", word.lower())
    word = re.sub(r"y(?![aeiouáéíóú])", "i", word)
    count, before = 0, ""
    for letter in word:
        if letter in _ES_STRONG or letter in _ES_WEAK:
            together = bool(before) and (
                (letter in _ES_WEAK and before not in "íú")
                or (before in _ES_WEAK and letter not in "íú")
            )
            count += not together
            before = letter
        elif letter != "h" or not before:
            before = ""
    return max(count, 1)


def measure(text: str, language: str) -> Measured:
    """Count sentences, words and syllables of plain text.

    Numbers count as one word of two syllables.

    Args:
        text: sentences; each line ends one as well.
        language: "en" or "es".
    """
    count = syllables_es if language == "es" else syllables_en
    sizes, syllables = [], 0
    for line in text.splitlines():
        for sentence in _SENTENCE.split(line):
            words, numbers = _WORD.findall(sentence), _NUMBER.findall(sentence)
            if words:
                sizes.append(len(words) + len(numbers))
                parts = [part for word in words for part in word.split("-")]
                syllables += sum(count(part) for part in parts) + 2 * len(numbers)
    return Measured(tuple(sizes), syllables)


def grade(measured: Measured) -> float:
    """Give the Flesch-Kincaid grade: years of school in the United States."""
    words = max(measured.words, 1)
    return (
        0.39 * words / max(len(measured.sentences), 1) + 11.8 * measured.syllables / words - 15.59
    )


def inflesz(measured: Measured) -> float:
    """Give the INFLESZ score of Spanish: 55 to 65 is normal, above 65 easy."""
    words = max(measured.words, 1)
    return 206.835 - 62.3 * measured.syllables / words - words / max(len(measured.sentences), 1)
