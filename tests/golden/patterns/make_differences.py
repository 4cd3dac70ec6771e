# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Python's re what it makes of patterns in syntax where regular-expression libraries part ways.

Output: the names, one a line; an empty line; then for each pattern one line: one digit a name (1 = re.fullmatch matches),
or `error`, a space and the pattern.
"""
import random
import re
import warnings

warnings.simplefilter("ignore")

NAMES = ["model.layers.0.self_attn", "model.layers.11.mlp.up_proj", "lm_head", "aaa", "aaaa", "a{,3}", "a b", "a\tb", "h", "x:alpha:]", "ab", "aa",
         "a", "\u00e9", "A", "1", "a-b", "R", "proj", "a1"]

PIECES = ["a", "b", "x", r"\d", ".", r"\.", ".*", "aa", "model", "lm_head", "[a-z]", "(a)", "(?:a|b)", r"\w+", "_", "proj", "layers"]
ODD = ["{,3}", "{,1}", "{3,}", "{2}", "{0,2}", "{", "}", "{a}", "{1", "{,}", r"\h", r"\H", r"\R", r"\K", r"\X", r"\Qa.\E", r"\Z", r"\z", r"\A", r"\G", r"\b", r"\B",
       "(?i)", "(?i:a)", "(?-i:a)", "(?s)", "(?x)", "(?U)", "(?J)", "(?^:a)", "(?|a|b)", "(?R)", "(?1)", "(?P>n)", "(?&n)", "(?P<n>a)", "(?<n>a)", "(?'n'a)", r"\k<n>",
       "(?P=n)", r"\1", r"\g{1}", r"\g1", "[[:alpha:]]", "[[:digit:]a]", "[:alpha:]", "[^[:space:]]", "(?#c)", "(*FAIL)", "(*UTF)", "(?>a)", "a++", "a*+", "a?+", "a{1,2}+",
       r"\x61", r"\x{61}", r"\u0061", r"\U00000061", r"\141", r"\0", r"\o{141}", r"\e", r"\cA", r"\a", r"\v", r"\N", r"\N{LATIN SMALL LETTER A}", r"\p{L}", r"\P{L}", r"\pL",
       r"\y", r"\_", r"\-", r"\ ", "[]a]", "[^]a]", "[a-]", r"[\w-a]", "[a--b]", "[a&&b]", r"[\d]", r"[\b]", r"[\h]", r"[\R]", "[]", "(?(1)a|b)", "(?(<n>)a|b)", "(?(R)a|b)",
       "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?<=a|bb)", "(?<=a+)", "^", "$", "*", "+", "?", "**", "a**", "(", ")", "[", "|", "||", "(|a)", "(?C)", "(?P<1>a)", "(?P<n>", r"\\", "\\",
       "(?a)", "(?L)", "(?u)", "(?m)", "(?im)a", "a(?i)", "(?i)(?s)", "((?i)a)", r"\s", r"\S", r"\W", r"\D", "(?P<n>a)(?P<n>b)", "(?<n>a)(?<n>b)", "\u00e9", r"[\u00e0-\u00ff]"]


def verdict(pattern):
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return "error"
    return "".join("01"[compiled.fullmatch(name) is not None] for name in NAMES)


rng = random.Random(11)
patterns = [p for p in ODD]
patterns += [q + p for p in ODD for q in ("a", "(a)", ".*")]
while len(patterns) < 1400:
    parts = [rng.choice(PIECES) for _ in range(rng.randint(0, 3))]
    for _ in range(rng.choice((1, 1, 1, 2))):
        parts.insert(rng.randint(0, len(parts)), rng.choice(ODD))
    patterns.append("".join(parts))
print("\n".join(NAMES))
print("end of names")
for pattern in dict.fromkeys(patterns):
    print(verdict(pattern), pattern)
