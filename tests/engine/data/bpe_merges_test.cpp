// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/bpe_merges.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <vector>

namespace engine {
namespace {

using Ids = std::vector<std::int32_t>;
struct Rule {
  std::uint32_t rank;
  std::int32_t result;
};
using Rules = std::map<std::pair<std::int32_t, std::int32_t>, Rule>;

BpeMerges merges_of(const Rules& rules) {
  BpeMerges merges(4);
  for (const auto& [pair, rule] : rules)
    merges.add(pair.first, pair.second, rule.rank, rule.result);
  return merges;
}

Ids merged(const BpeMerges& merges, const Ids& ids, MergeScratch& scratch) {
  Ids result;
  scratch.ids = ids;
  merges.merge(scratch, result);
  return result;
}

// The definition, word for word: again and again the pair of lowest rank, leftmost first.
Ids by_definition(const Rules& rules, Ids ids) {
  for (;;) {
    std::optional<std::size_t> best;
    const auto rule_at = [&](std::size_t i) { return rules.find({ids[i], ids[i + 1]}); };
    for (std::size_t i = 0; i + 1 < ids.size(); ++i)
      if (rule_at(i) != rules.end() &&
          (!best || rule_at(i)->second.rank < rule_at(*best)->second.rank))
        best = i;
    if (!best) return ids;
    ids[*best] = rule_at(*best)->second.result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(*best) + 1);
  }
}

// Every result has one pair that makes it, as in a trained vocabulary without ambiguity.
Rules random_rules(std::mt19937_64& random) {
  Rules rules;
  std::int32_t next = 4;
  for (std::uint32_t rank = 0; rank < 40; ++rank) {
    const auto left = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(next));
    const auto right = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(next));
    if (rules.emplace(std::pair(left, right), Rule{rank, next}).second) ++next;
  }
  return rules;
}

TEST(BpeMerges, AgreesWithTheDefinitionOnRandomRules) {
  std::mt19937_64 random(3);
  MergeScratch scratch;
  for (int round = 0; round < 500; ++round) {
    const Rules rules = random_rules(random);
    const BpeMerges merges = merges_of(rules);
    Ids ids(random() % 60);
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random() % 4);
    ASSERT_EQ(merged(merges, ids, scratch), by_definition(rules, ids));
  }
}

TEST(BpeMerges, ALaterDuplicateOfAPairCounts) {
  BpeMerges merges;
  merges.add(1, 2, 0, 7);
  merges.add(2, 3, 1, 8);
  merges.add(1, 2, 2, 7);
  MergeScratch scratch;
  EXPECT_EQ(merged(merges, {1, 2, 3}, scratch), (Ids{1, 8}));
}

TEST(BpeMerges, AMegabyteWordTakesLinearlyManySteps) {
  Rules rules;
  for (std::int32_t i = 0; i < 20; ++i)
    rules[{i, i}] = {static_cast<std::uint32_t>(i), i + 1};  // a run halves each time
  rules[{21, 22}] = {30, 23};
  const BpeMerges merges = merges_of(rules);
  std::mt19937_64 random(4);
  Ids run(1 << 20, 0);
  Ids mixed(1 << 20);
  for (std::int32_t& id : mixed) id = static_cast<std::int32_t>(random() % 23);
  for (const Ids& ids : {run, mixed}) {
    MergeScratch scratch;
    const Ids result = merged(merges, ids, scratch);
    EXPECT_LT(result.size(), ids.size());
    EXPECT_LE(scratch.steps, 3 * ids.size());
  }
}

}  // namespace
}  // namespace engine
