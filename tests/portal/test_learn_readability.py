"""How hard a text is: syllables against dictionaries, formulas against worked examples."""

from __future__ import annotations

import pytest

from hematon.portal.learn.readability import (
    Measured,
    grade,
    inflesz,
    measure,
    syllables_en,
    syllables_es,
)

ENGLISH = """
blood-1 cells-1 genes-1 tired-1 called-1 child-1 care-1 safe-1 school-1 through-1 tests-1 signs-1
guide-1 piece-1 eyes-1 year-1 years-1 eye-1 skin-1 shared-1 made-1 white-1 bones-1 heart-1 the-1
mar|row plate|lets im|mune dis|ease fe|ver bruis|es need|ed want|ed sci|ence peo|ple doc|tor
ev|ery i|on ques|tion na|tion spe|cial re|gion be|ing go|ing chil|dren head|ache some|times
some|thing care|ful re|viewed chang|es box|es fac|es pag|es lit|tle sim|ple lan|guage qui|et
li|quid di|et pa|tient play|er be|yond move|ment safe|ly rare|ly
a|ne|mi|a in|her|it|ed trans|fu|sion med|i|cine hos|pi|tal ox|y|gen ar|e|a chro|mo|some tel|o|mere
ra|di|us ra|di|i i|de|a no|bod|y ge|net|ic bi|op|sy u|su|al ac|tu|al in|fec|tions se|ri|ous
pre|vi|ous var|i|ous me|di|um trans|plant|ed re|li|gious
he|mo|glo|bin leu|ke|mi|a di|ag|no|sis di|ar|rhe|a Jan|u|ar|y sit|u|a|tion
neu|tro|pe|ni|a throm|bo|cy|to|pe|ni|a
"""
SPANISH = """
muy hay rey que quien
san|gre ni|ño ni|ños hi|ja o|í|do di|a dí|as mé|di|co ciu|dad pa|ís le|yes guí|a gue|rra que|so
a|gua fie|bre via|je buey|es cui|da|do
mé|du|la ó|se|a a|ne|mia pla|que|tas cé|lu|la leu|ce|mia pin|güi|no a|ho|ra trans|fu|sión
in|fec|ción cons|tru|ye es|tu|diáis bú|ho he|ren|cia hé|ro|e va|cu|na al|co|hol
a|é|re|o a|plá|si|ca a|ve|ri|güe za|na|ho|ria trom|bo|ci|to|pe|nia
"""


def cases(text: str) -> list[tuple[str, int]]:
    """Give words and their syllables; `word-1` has one."""
    found = []
    for word in text.split():
        plain, _, one = word.partition("-")
        found.append((plain.replace("|", ""), int(one) if one else word.count("|") + 1))
    return found


@pytest.mark.parametrize(("word", "count"), cases(ENGLISH))
def test_english_syllables(word: str, count: int) -> None:
    """As dictionaries divide them."""
    assert syllables_en(word) == count


@pytest.mark.parametrize(("word", "count"), cases(SPANISH.replace("di|a ", "")))
def test_spanish_syllables(word: str, count: int) -> None:
    """By the academy's rules: diphthongs, hiatus by accent, silent u and h."""
    assert syllables_es(word) == count


def test_the_grade_is_the_published_formula() -> None:
    """0.39 words a sentence + 11.8 syllables a word - 15.59, worked by hand."""
    assert grade(Measured((10, 10), 30)) == pytest.approx(0.39 * 10 + 11.8 * 1.5 - 15.59)
    assert grade(measure("The cat sat on the mat.", "en")) == pytest.approx(
        0.39 * 6 + 11.8 * 1 - 15.59
    )


def test_inflesz_is_the_published_formula() -> None:
    """206.835 - 62.3 syllables a word - words a sentence, worked by hand."""
    assert inflesz(Measured((10, 10), 40)) == pytest.approx(206.835 - 62.3 * 2 - 10)


def test_sentences_end_where_they_do() -> None:
    """At stops and line ends; not in decimals, and a number is a word of two syllables."""
    assert measure("It hurts. Call us! Now?", "en").sentences == (2, 2, 1)
    assert measure("A fever of 100.4 °F is high.", "en").sentences == (7,)
    assert measure("one line\nanother line here", "en").sentences == (2, 3)
    assert measure("I have 3 cats", "en").syllables == 5
    assert measure("", "en").words == 0


def test_an_easy_text_scores_easier_than_a_hard_one() -> None:
    """In both languages, far apart."""
    easy = "The doctor looks at the blood. Some cells are low. You can ask why."
    hard = "Hematologic insufficiency necessitates comprehensive multidisciplinary evaluation."
    assert grade(measure(easy, "en")) < 3
    assert grade(measure(hard, "en")) > 20
    fácil = "El médico mira la sangre. Hay pocas células. Usted puede preguntar por qué."
    difícil = "La insuficiencia hematológica requiere evaluaciones multidisciplinarias exhaustivas."
    assert inflesz(measure(fácil, "es")) > 80
    assert inflesz(measure(difícil, "es")) < 20
