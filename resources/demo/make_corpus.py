#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the demo's two corpora: short stories (what the checkpoint was trained on) and laboratory notes (what the demo
run trains on). Every sentence comes from the word lists and templates below; the output depends on nothing else.

usage: make_corpus.py stories|notes SIZE_IN_BYTES SEED > file.txt
"""
import sys


class Dice:
    """A 64-bit xorshift*: the same numbers in every version of Python."""

    def __init__(self, seed):
        self.state = (seed * 0x9E3779B97F4A7C15 + 0x1234567) & 0xFFFFFFFFFFFFFFFF or 1

    def roll(self, sides):
        s = self.state
        s ^= s >> 12
        s = (s ^ (s << 25)) & 0xFFFFFFFFFFFFFFFF
        s ^= s >> 27
        self.state = s
        return ((s * 0x2545F4914F6CDD1D & 0xFFFFFFFFFFFFFFFF) >> 33) % sides

    def pick(self, items):
        return items[self.roll(len(items))]

    def chance(self, percent):
        return self.roll(100) < percent


NAMES = """Ada Bela Carl Dora Emil Frida Gustav Hanna Ivo Jana Karim Lena Milo Nora Otto Paula Ravi Selma Tom Uma Vera
Wanda Yusuf Zoe""".split()
ANIMALS = "cat dog fox hare owl duck goat mouse crow frog pony hedgehog".split()
PLACES = ["garden", "forest", "harbour", "kitchen", "old mill", "market", "school", "lighthouse", "barn", "library",
          "river bank", "railway station"]
THINGS = ["lamp", "basket", "letter", "key", "blue kite", "red ball", "small boat", "drum", "clock", "warm coat",
          "wooden box", "loaf of bread", "jar of honey", "map"]
MOODS = ["happy", "tired", "curious", "proud", "worried", "hungry", "quiet", "surprised"]
WEATHER = ["The sun was shining.", "It rained all morning.", "A cold wind blew from the north.", "Fog lay on the fields.",
           "The first snow had fallen.", "It was a warm evening."]
FINDS = ["found", "lost", "hid", "carried", "repaired", "painted", "borrowed", "sold"]

INSTRUMENTS = ["laser", "photodiode", "modulator", "lock-in amplifier", "oscilloscope", "spectrometer", "power meter",
               "crossbar", "probe station", "current source", "attenuator", "interferometer"]
PARTS = ["waveguide", "lens", "fibre", "mirror", "resonator", "grating", "chip", "memory cell", "heater", "contact pad",
         "bias line", "read-out line"]
QUANTITIES = [("drift", "per cent"), ("loss", "decibels"), ("noise", "millivolts"), ("current", "microamperes"),
              ("temperature", "kelvin"), ("delay", "nanoseconds"), ("contrast", "decibels"), ("error", "per mille")]
CAUSES = ["a loose connector", "dust on the lens", "a warm room", "an old calibration", "stray light",
          "a scratched fibre", "vibration from the pump", "a wrong setting"]
ACTIONS = ["cleaned", "aligned", "replaced", "calibrated", "cooled", "tested", "rewired", "measured again"]
TIMES = ["At nine", "Before noon", "After lunch", "Late in the day", "During the night run", "On the second attempt"]
DIGITS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def sum_sentence(dice, noun):
    a, b = dice.roll(7), dice.roll(6)
    return f"{DIGITS[a].capitalize()} {noun} and {DIGITS[b]} more make {DIGITS[a + b]}."


def story(dice):
    hero, friend = dice.pick(NAMES), dice.pick(NAMES)
    animal, place, thing = dice.pick(ANIMALS), dice.pick(PLACES), dice.pick(THINGS)
    find, mood = dice.pick(FINDS), dice.pick(MOODS)
    text = [dice.pick(WEATHER), f"{hero} {find} a {thing} in the {place}."]
    if dice.chance(60):
        text.append(f"A {animal} sat beside the {thing} and looked {mood}.")
    if dice.chance(50):
        text.append(f"\"Is this your {thing}?\" asked {hero}.")
        text.append(f"\"No,\" said {friend}, \"it belongs to the {animal}.\"")
    if dice.chance(35):
        text.append(sum_sentence(dice, dice.pick(["apples", "birds", "steps", "coins"])))
    if dice.chance(70):
        other = dice.pick(PLACES)
        text.append(f"So {hero} and {friend} walked from the {place} to the {other} with the {animal}.")
    text.append(dice.pick([f"In the end {hero} was {mood} and went home.",
                           f"{friend} kept the {thing} and {hero} kept the {animal}.",
                           f"That evening they told everyone about the {thing} in the {place}."]))
    return " ".join(text)


def note(dice):
    who = dice.pick(NAMES)
    instrument, part = dice.pick(INSTRUMENTS), dice.pick(PARTS)
    (quantity, unit), cause = dice.pick(QUANTITIES), dice.pick(CAUSES)
    before = 20 + dice.roll(60)
    after = before // (2 + dice.roll(3))
    text = [f"{dice.pick(TIMES)} {who} switched on the {instrument} and checked the {part}."]
    text.append(f"The {quantity} of the {part} was {before} {unit}.")
    if dice.chance(55):
        text.append(f"{who} suspected {cause} and {dice.pick(ACTIONS)} the {instrument}.")
    if dice.chance(45):
        text.append(f"Then the {part} was {dice.pick(ACTIONS)} and the {quantity} fell to {after} {unit}.")
        text.append(f"Result: {quantity} {before} before, {after} after, cause {cause}.")
    else:
        text.append(f"Nothing changed, and the {quantity} stayed at {before} {unit}.")
    if dice.chance(30):
        text.append(sum_sentence(dice, dice.pick(["samples", "channels", "levels", "sweeps"])))
    text.append(dice.pick([f"Next step: measure the {part} with the {dice.pick(INSTRUMENTS)}.",
                           f"{dice.pick(NAMES)} will repeat the sweep tomorrow.",
                           f"The {instrument} stays connected to the {part}."]))
    return " ".join(text)


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("stories", "notes"):
        sys.exit(__doc__)
    make = story if sys.argv[1] == "stories" else note
    size, dice = int(sys.argv[2]), Dice(int(sys.argv[3]))
    written = 0
    while written < size:
        line = make(dice) + "\n"
        sys.stdout.write(line)
        written += len(line)


if __name__ == "__main__":
    main()
