"""Texts of ten scripts, and the plain model of how they are compared."""

import re
import unicodedata

from hypothesis import strategies as st

SCRIPTS = (
    "abcABCzßſıİéÉñÅøœĲﬁ",  # Latin, ligatures
    "абвгдЙйЁёѓАБВ",
    "αβγάέΰΑΒΓΆςσᾳ",
    "אבגדשׁבּ",
    "ابتثكتابأإآؤـًٌٍَُِّْ",
    "कखगघिीुूेैं़क्ष",
    "กขคงะาิีึืุูเแ้่",
    "한글조합가각힣각ㄱㅏ",
    "あいうがぎぱアイウガｱｲｳﾞﾟ",
    "中文字我喜歡蘋果苹果",
    "ＡＢＣ１２３ｘｙ！？",
    "Ꜳꭰᏸ𐐀𐐨ὈὍ",
)
COMMON = " \t\n .,!?%_\\'\"-:/@#12\u0301\u0308\u200d\u00a0\u3000😀👩‍👩‍👧"

letters = st.one_of([st.sampled_from(script) for script in SCRIPTS] + [st.sampled_from(COMMON)])
texts = st.text(letters, max_size=40)


def compared(text: str) -> str:
    """As the contract says it: NFKC, casefolded, without marks (and the stretching of Arabic), blanks alike."""
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(one for one in bare if not unicodedata.category(one).startswith("M") and one != "\u0640")
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", kept))
