#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes engine/data/unicode_category_table.cpp: the character classes as Hugging Face `tokenizers` sees them.

Every code point is put to the library's own splitters, so the table follows the Unicode version that the library was
built with, whatever version PCRE2 or the C library know.

  python tests/golden/tokenizers/make_unicode_classes.py engine/data/unicode_category_table.cpp
"""
import sys

import tokenizers
from tokenizers import Regex, pre_tokenizers

CATEGORIES = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co").split()
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
ALL_TEXT = "".join(map(chr, CODE_POINTS))


def matched_by(pattern):
    """Code points that the regular expression `pattern` matches."""
    splitter = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    found = set()
    for _, (begin, end) in splitter.pre_tokenize_str(ALL_TEXT):
        found.update(CODE_POINTS[begin:end])
    return found


def word_characters():
    """Code points that the Whitespace pre-tokenizer keeps together with a letter."""
    splitter = pre_tokenizers.Whitespace()
    found = set()
    for c in CODE_POINTS:
        pieces = splitter.pre_tokenize_str("a" + chr(c))
        if len(pieces) == 1 and pieces[0][0] != "a":
            found.add(c)
    return found


def ranges(code_points):
    result = []
    for c in sorted(code_points):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def packed(items):
    lines, line = [], "   "
    for item in items:
        if len(line) + 1 + len(item) > 100:
            lines.append(line)
            line = "   "
        line += " " + item
    return "\n".join(lines + [line])


def range_table(name, code_points):
    body = packed(f"{{0x{a:X}, 0x{b:X}}}," for a, b in ranges(code_points))
    return f"const CodePointRange {name}[] = {{\n{body}\n}};\n"


def main():
    category = {}
    for name in CATEGORIES:
        for c in matched_by(r"\p{%s}" % name):
            assert c not in category
            category[c] = name
    runs, previous = [], None
    for c in range(0x110000):
        name = "Cs" if 0xD800 <= c < 0xE000 else category.get(c, "Cn")
        if name != previous:
            runs.append((c, name))
            previous = name

    # Digits and Whitespace run on the Rust side, patterns on the regex engine's: both must mean the same classes.
    digits = pre_tokenizers.Digits(individual_digits=True)
    numeric = {c for c in CODE_POINTS if len(digits.pre_tokenize_str("a" + chr(c))) == 2}
    numbers = {c for c in CODE_POINTS if category.get(c, "Cn")[0] == "N"}
    assert numeric == numbers, "is_numeric differs from \\p{N}"
    plain = {c for c in CODE_POINTS
             if category.get(c, "Cn")[0] in "LM" or category.get(c, "Cn") in ("Nd", "Nl", "Pc")}
    word = word_characters()
    assert plain <= word
    pattern_word = matched_by(r"\w")
    assert plain <= pattern_word

    out = "// SPDX-License-Identifier: GPL-3.0-or-later\n"
    out += "// Written by tests/golden/tokenizers/make_unicode_classes.py; do not edit.\n"
    out += f"// General categories and word characters as tokenizers {tokenizers.__version__} sees them.\n"
    out += '#include "engine/data/unicode_classes.h"\n\nnamespace engine::unicode_table {\n\n'
    out += "// clang-format off\nusing enum GeneralCategory;\n\n"
    out += "const CategoryRun kCategoryRuns[] = {\n"
    out += packed(f"{{0x{c:X}, {name}}}," for c, name in runs) + "\n};\n"
    out += f"const std::size_t kCategoryRunCount = {len(runs)};\n\n"
    for name, extra in (("kWordExtras", word - plain), ("kPatternWordExtras", pattern_word - plain),
                        ("kHan", matched_by(r"\p{Han}")), ("kWhiteSpace", matched_by(r"\s"))):
        out += range_table(name, extra)
        out += f"const std::size_t {name}Count = {len(ranges(extra))};\n\n"
    out += "}  // namespace engine::unicode_table\n"
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(out)


main()
