# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for the tokenizer goldens: everything is generated from a seed, nothing is taken from anywhere."""

STEMS = ("light matrix photon carry learn token layer noise signal mirror weight phase beam grid code model train "
         "loss step scale range small large quick under over inter para meter optic spike analog device field cell "
         "array store fetch north river stone paper glass water engine window garden letter number people little").split()
ENDINGS = "s ed ing er ly ness ment ation able less ful 's 're n't 'll 've".split() + [""] * 12
SHORT = "the a of to and in is it that was for on are with as at be by this from or an not but we you I he she".split()
CODE = ["for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}", "def f(x):\n    return x ** 2\n\n\n", "if __name__ == \"__main__\":",
        "<div class='a'>\r\n  <b>x</b>\r\n</div>", "std::vector<float> v(3, 0.5f);", "SELECT * FROM t WHERE x >= 10;",
        "{\"key\": [1, 2.5e-3, null]}", "x\t=\ty\n\n\n    z", "a->b != c && !d || ~e", "https://a.example/p?q=1&r=%20"]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u2003", "\u3000", "\u0085", "\u180e", "\u200b", "\u2028",
          "\u000b", "\u000c", "\u001c", "\u202f", "\ufeff"]
MARKS = [chr(c) for c in (0x300, 0x301, 0x308, 0x323, 0x345, 0x5B0, 0x64B, 0x93C, 0x94D, 0xE31, 0x20D0, 0x302A, 0xFE0F, 0x200D)]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "❤️", "☎", "🧑🏿‍🚀", "1️⃣", "\U0001fae8"]
DIGITS = "0123456789٣٤५६৭๘༩၄០᠑①½²₃Ⅷ〇四𝟘𝟡𞥐🄀\u1040\ua8d5"
CONTRACTIONS = ["'s", "'S", "'ſ", "'t", "'re", "'RE", "'rE", "'ve", "'m", "'ll", "'LL", "'d", "'x", "''s", "'", "’s", "'l", "'r"]
# (first, last) of blocks; several are newer than Unicode 14 or not assigned at all.
BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x5FF), (0x600, 0x6FF),
          (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1C80, 0x1C8F), (0x2000, 0x206F), (0x2070, 0x218F),
          (0x2190, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xA7C0, 0xA7FF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF),
          (0xFB00, 0xFDFF), (0xFE00, 0xFFFF), (0x10000, 0x1034F), (0x105C0, 0x105FF), (0x10D40, 0x10D8F), (0x11F00, 0x11F5F),
          (0x1D400, 0x1D7FF), (0x1E4D0, 0x1E4FF), (0x1E5D0, 0x1E5FF), (0x1F100, 0x1F1FF), (0x1F300, 0x1FAFF),
          (0x20000, 0x2A6DF), (0x2EBF0, 0x2EE5F), (0x31350, 0x323AF), (0xE0000, 0xE01EF), (0x10FFF0, 0x10FFFF)]
SPECIALS = ["<|endoftext|>", "<s>", "</s>", "<unk>", "<pad>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>",
            "<|eot_id|>", "[MASK]", "<mask>", "AddedWord", "Added", "addedword", "<a>", "<ab>", "[lone]", "[wide]"]
LITERALS = ["▁", "▁▁a", "<0x41>", "<0xFF>", "Ġ", "Ċ", "\x00", "\x7f", "�", "<", "<|", "|>", "[", "]"]
EDGES = ["", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\r", "\t", "\t ", " \t", "\x00", "\x00\x00a\x00", "a", "A", ".", "'", "''",
         "'s", " 's", "  's", "a ", " a", "  a", "   a", "a  ", "a  b", "a\n b", "a \n b", "a \n\n  b", "\n a", " \n", " \n ",
         "\u00a0", "\u00a0a", "a\u00a0", " \u00a0", "\u3000\u3000x", "1234567", "12 345", "a1b2", "١٢٣٤٥", "½¾", "e\u0301", "\u0301",
         "한국어", "中文字", "日本語テキスト", "ไทย", "हिन्दी", "▁", "▁▁", " ▁", "▁ ", "ﬁ", "İ", "ß", "don't", "DON'T", "I'll've",
         "\ufeffBOM", "\u200d", "👩‍👩‍👧‍👦", "a" * 300, " " * 300, "ab" * 200, "\n" * 200, "x " * 150, "9" * 200, "é" * 150]


def word(rng):
    if rng.random() < 0.4:
        text = rng.choice(SHORT)
    else:
        text = "".join(rng.choice(STEMS) for _ in range(1 if rng.random() < 0.85 else 2)) + rng.choice(ENDINGS)
    r = rng.random()
    return text.capitalize() if r < 0.1 else text.upper() if r < 0.13 else text


def sentence(rng, most=18):
    words = [word(rng) for _ in range(rng.randint(1, most))]
    text = " ".join(words)
    if rng.random() < 0.3:
        text += rng.choice([", ", " - ", ": ", " ("]) + str(rng.randint(0, 10 ** rng.randint(1, 8)))
    return text + rng.choice([".", ".", "!", "?", "...", "", "\n", ")"])


def random_char(rng):
    while True:
        r = rng.random()
        if r < 0.7:
            c = rng.randint(*rng.choice(BLOCKS))
        elif r < 0.9:
            c = rng.randint(0, 0xFFFF)
        else:
            c = rng.randint(0, 0x10FFFF)
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def fragment(rng):
    r = rng.random()
    if r < 0.22:
        return word(rng)
    if r < 0.34:
        return "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 5)))
    if r < 0.44:
        return "".join(random_char(rng) for _ in range(rng.randint(1, 6)))
    if r < 0.50:
        first, last = rng.choice(BLOCKS)
        return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 8)))
    if r < 0.56:
        return "".join(rng.choice(DIGITS) for _ in range(rng.randint(1, 7)))
    if r < 0.62:
        return rng.choice(CONTRACTIONS)
    if r < 0.68:
        return rng.choice("aeiouxnАбक") + "".join(rng.choice(MARKS) for _ in range(rng.randint(1, 3)))
    if r < 0.74:
        return rng.choice(EMOJI)
    if r < 0.84:
        return rng.choice(SPECIALS)
    if r < 0.88:
        return rng.choice(LITERALS)
    if r < 0.94:
        return "".join(rng.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") for _ in range(rng.randint(1, 4)))
    return " "


def mixed(rng):
    return "".join(fragment(rng) for _ in range(rng.randint(1, 10)))


def noise(rng):
    return "".join(random_char(rng) for _ in range(rng.randint(1, 16)))


def specials(rng):
    parts = []
    for _ in range(rng.randint(1, 5)):
        parts.append(rng.choice(["", " ", "  ", "\n", "x", "é", "_", "1", word(rng)]))
        parts.append(rng.choice(SPECIALS))
    return "".join(parts) + rng.choice(["", " ", "\t", "tail"])


def strings(rng, count):
    result = list(EDGES)
    kinds = [mixed] * 8 + [noise] * 3 + [specials] * 3 + [lambda r: sentence(r, 10)] * 3 + [lambda r: r.choice(CODE) + fragment(r)]
    while len(result) < count:
        result.append(rng.choice(kinds)(rng))
    return result


def training_text(rng, count):
    lines = []
    for _ in range(count):
        r = rng.random()
        lines.append(sentence(rng) if r < 0.8 else rng.choice(CODE) if r < 0.9 else mixed(rng))
    return lines
