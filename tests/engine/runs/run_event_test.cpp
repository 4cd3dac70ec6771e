// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_event.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace engine {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<RunEventBody> one_of_each() {
  return {
      RunStarted{"a1b2", 40, 100, "checkpoint-40", "cpu", "A \"fast\" one", "0.1.0", "d1", 123,
                 456},
      LayerTransformed{"lm_head", "linear", "lm_.*", "optical_transformer"},
      TransformApplied{7, 2},
      StepLogged{3, 0.1, 1e-300, 0.1 + 0.2, 5e-5, 4096, 1234.5, 1ll << 40},
      Evaluated{3, 0.5, 2.25, 9.48, 0.25, 1000, 0.125},
      LayerStats{3, {{"lm_head", "max", 4.5}, {"lm_head", "min", -kInf}}},
      CheckpointSaved{3, "checkpoint-3", 99, 0.5, 0.125},
      RunMessage{3, "warning", "two\nlines, \t and \u00e9"},
      RunFinished{100, "finished", 12.5},
      RunFailed{7, "disk full", "checkpoint-5"},
      ControlAnswered{7, "extend", "1f-2", "refused", "not more than the run's 100"},
      RunExtended{7, 100, 200, "continue"},
      DivergenceSeen{7, "loss_spike", "", 9.5, 3.25, "pause", "the loss jumped"},
      CostCompared{100, 0.01, 0.011, 1, 1.2, 1 << 20, 1 << 21, 99, -1},
  };
}

TEST(RunEvent, EveryKindSurvivesItsJsonForm) {
  for (const RunEventBody& body : one_of_each()) {
    const std::string line = to_json({1700000000.25, body});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto read = parse_run_event(line);
    ASSERT_TRUE(read) << line;
    EXPECT_EQ(read->body.index(), body.index()) << line;
    EXPECT_EQ(read->time, 1700000000.25);
    EXPECT_EQ(to_json(*read), line);
  }
}

TEST(RunEvent, NamesAreTheContract) {
  const auto json =
      nlohmann::json::parse(to_json({5, StepLogged{3, 0.5, 2.5, 1.5, 1e-4, 64, 10, 20}}));
  EXPECT_EQ(json,
            nlohmann::json::parse(R"({"time":5.0,"type":"step","step":3,"epoch":0.5,"loss":2.5,
      "grad_norm":1.5,"learning_rate":1e-4,"tokens":64,"tokens_per_second":10.0,"memory_bytes":20})"));
}

TEST(RunEvent, NonFiniteNumbersAreStrings) {
  StepLogged step;
  step.step = 1;
  step.loss = kNaN;
  step.grad_norm = kInf;
  step.learning_rate = -kInf;
  const std::string line = to_json({0, step});
  EXPECT_NE(line.find(R"("loss":"NaN")"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("grad_norm":"Infinity")"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("learning_rate":"-Infinity")"), std::string::npos) << line;
  const auto read = std::get<StepLogged>(parse_run_event(line)->body);
  EXPECT_TRUE(std::isnan(read.loss));
  EXPECT_EQ(read.grad_norm, kInf);
  EXPECT_EQ(read.learning_rate, -kInf);
}

TEST(RunEvent, AMissingOrForeignNumberIsNotShownAsZero) {
  const auto read = parse_run_event(R"({"type":"step","step":4,"loss":null,"grad_norm":"high"})");
  ASSERT_TRUE(read);
  const auto& step = std::get<StepLogged>(read->body);
  EXPECT_TRUE(std::isnan(step.loss));
  EXPECT_TRUE(std::isnan(step.grad_norm));
  EXPECT_TRUE(std::isnan(step.learning_rate));
}

TEST(RunEvent, AFutureTypeIsKeptWithItsStepAndText) {
  const std::string line = R"({"time":1.0,"type":"sparks","step":12,"colour":"blue"})";
  const auto read = parse_run_event(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<UnknownEvent>(read->body).type, "sparks");
  EXPECT_EQ(step_of(*read), 12);
  EXPECT_EQ(to_json(*read), line);
}

TEST(RunEvent, WhatIsNoEventIsRefusedWithoutAnException) {
  for (const std::string line :
       {"", "null", "[]", "12", "{", "{\"type\":5}", "{\"step\":1}", "{\"type\":\"\"}",
        "{\"type\":\"step\"}", "{\"type\":\"step\",\"step\":\"3\"}",
        "{\"type\":\"step\",\"step\":-3}", "{\"type\":\"step\",\"step\":1e300}",
        "{\"type\":\"step\",\"step\":18446744073709551615}", "\xff\xfe\x00garbage",
        "{\"type\":\"message\",\"step\":1,\"text\":\"\xff\"}"}) {
    EXPECT_FALSE(parse_run_event(line)) << line;
  }
  EXPECT_FALSE(parse_run_event(std::string(200000, '[')));
  EXPECT_FALSE(parse_run_event("{\"type\":" + std::string(100000, '{')));
}

/// Lines of steps have a way of their own; a blank in front takes the other one.
TEST(RunEvent, PlainStepsAreReadAsAnyOtherLine) {
  std::mt19937 generator(3);
  const auto pick = [&generator](std::size_t below) { return std::size_t(generator()) % below; };
  const std::string alphabet = "0123456789.-+eE,:\"{}nNaI x";
  int read = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string line = to_json(
        {1.7e9 + double(trial) / 3,
         StepLogged{trial, 1.0 / (trial + 1), trial % 7 == 0 ? kNaN : std::exp(-trial / 9.0),
                    0.1 * trial, 5e-5, trial * 512, 1e5 / (trial + 1), 1 << 20}});
    for (std::size_t edits = pick(3); edits > 0; --edits) {
      const std::size_t at = pick(line.size());
      const char c = alphabet[pick(alphabet.size())];
      if (pick(2) == 0) {
        line[at] = c;
      } else {
        line.insert(at, 1, c);
      }
    }
    const auto one = parse_run_event(line);
    const auto other = parse_run_event(" " + line);
    ASSERT_EQ(one.has_value(), other.has_value()) << line;
    if (!one) continue;
    ++read;
    if (!std::holds_alternative<UnknownEvent>(one->body)) {
      ASSERT_EQ(to_json(*one), to_json(*other)) << line;
    }
  }
  EXPECT_GT(read, 8000);
}

TEST(RunEvent, InvalidUtf8IsWrittenAsAReadableLine) {
  const std::string line = to_json({0, RunMessage{1, "error", "bad \xff byte"}});
  const auto read = parse_run_event(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<RunMessage>(read->body).text, "bad \xef\xbf\xbd byte");
}

TEST(RunEvent, EventsBeforeTheFirstStepHaveStepZero) {
  EXPECT_EQ(step_of({0, LayerTransformed{}}), 0);
  EXPECT_EQ(step_of({0, TransformApplied{}}), 0);
  EXPECT_EQ(step_of({0, RunFailed{7, "", ""}}), 7);
}

}  // namespace
}  // namespace engine
