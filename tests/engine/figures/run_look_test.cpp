// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/run_look.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace {

using namespace engine;

std::string key_of(int run) { return "run " + std::to_string(run); }

TEST(RunLook, ARunHasItsColourWhereverItIsMetFirst) {
  for (int run = 0; run < 50; ++run) {
    RunLooks one, other;
    EXPECT_EQ(one.of(key_of(run)), other.of(key_of(run)));
  }
  EXPECT_EQ(RunLooks().of("run 0"), 1) << "and in every version of the program";
}

TEST(RunLook, SevenRunsHaveSevenColoursAndSevenShapes) {
  RunLooks looks;
  std::set<int> colors, shapes;
  for (int run = 0; run < kLookColors; ++run) {
    colors.insert(color_of_look(looks.of(key_of(run))));
    shapes.insert(shape_of_look(looks.of(key_of(run))));
  }
  EXPECT_EQ(colors.size(), 7u);
  EXPECT_EQ(shapes.size(), 7u);
}

TEST(RunLook, RunsOfOneColourDifferInTheirShape) {
  RunLooks looks;
  std::set<std::pair<int, int>> seen;
  for (int run = 0; run < kLooks; ++run) {
    const int look = looks.of(key_of(run));
    ASSERT_GE(look, 0);
    ASSERT_LT(look, kLooks);
    seen.emplace(color_of_look(look), shape_of_look(look));
  }
  EXPECT_EQ(seen.size(), std::size_t(kLooks));
  EXPECT_LT(looks.of("one more"), kLooks);
}

TEST(RunLook, WhatIsRememberedWinsAndAClashCostsTheShape) {
  RunLooks looks;
  EXPECT_EQ(looks.of("a", 9), 9);
  const int second = looks.of("b", 9);
  EXPECT_EQ(color_of_look(second), color_of_look(9));
  EXPECT_NE(shape_of_look(second), shape_of_look(9));
  EXPECT_EQ(looks.of("a", 3), 9) << "it has one already";
  EXPECT_EQ(RunLooks().of("a", 1000), RunLooks().of("a")) << "no such look";
}

}  // namespace
