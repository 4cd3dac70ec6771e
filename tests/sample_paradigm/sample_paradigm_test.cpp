// SPDX-License-Identifier: GPL-3.0-or-later
// A paradigm is a folder: this program is the engine and one folder more (thermal_noise), with a
// list of paradigms of its own and not one file of the engine changed.
#include "engine/conformance/paradigm_conformance.h"
#include "engine/model/llama_config.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_reader.h"
#include "engine/training/evaluate.h"
#include "engine/training/train.h"
#include "engine/transform/transform_plan.h"
#include "tests/support/tiny_training.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace engine {
namespace {

const std::string kRamp = R"(layer_name_to_config:
  .*_proj: {t_noise: {from: 0.5, to: 0.01, steps: 20, shape: log}}
  lm_head: null
)";

ConformanceCase thermal_noise() {
  const auto makers = all_paradigms();
  const auto maker = std::find_if(makers.begin(), makers.end(),
                                  [](const auto& each) { return each->id() == "thermal_noise"; });
  const std::vector<ParadigmInfo> infos = paradigm_infos();
  return conformance_cases(*find_paradigm(infos, "thermal_noise"), *maker).at(0);
}

class SampleParadigm : public tests::TinyTraining {
 protected:
  SampleParadigm() : TinyTraining(810) { folder_.write("ramp.yaml", kRamp); }

  RunConfig config(const std::string& run) const {
    RunConfig config = training(run);
    config.transform_config = (folder_ / "ramp.yaml").string();
    config.learning_rate = 5e-3;
    config.max_steps = 30;
    config.logging_steps = 1;
    config.layer_stats_steps = 10;
    return config;
  }

  std::vector<RunEvent> events(const std::string& run) const {
    return RunReader(folder_ / run).poll().events;
  }
};

TEST_F(SampleParadigm, IsFoundAmongTheBuiltInOnesAndPlanned) {
  const std::vector<ParadigmInfo> infos = paradigm_infos();
  EXPECT_NE(find_paradigm(infos, "thermal_noise"), nullptr);
  EXPECT_NE(find_paradigm(infos, "optical_transformer"), nullptr);
  const ParsedTransform parsed = read_transform_config(folder_ / "ramp.yaml", infos);
  ASSERT_TRUE(parsed.problems.empty()) << to_string(parsed.problems[0]);
  const TransformPlan plan = plan_transform(
      layer_inventory(read_llama_config(folder_ / "model/config.json")), parsed.config, infos);
  EXPECT_FALSE(has_errors(plan.problems));
  EXPECT_EQ(plan.replacements().size(), 14u);
  EXPECT_EQ(plan.replacements()[0]->paradigm, "thermal_noise");
}

TEST_F(SampleParadigm, TrainsAndReportsItsStatistics) {
  RunControl control;
  const TrainOutcome outcome = train(config("run"), control, {});
  EXPECT_TRUE(outcome.finished) << outcome.message;
  std::vector<double> losses;
  std::vector<LayerStats> stats;
  bool said = false;
  for (const RunEvent& event : events("run")) {
    if (const auto* step = std::get_if<StepLogged>(&event.body)) losses.push_back(step->loss);
    if (const auto* measured = std::get_if<LayerStats>(&event.body)) {
      stats.push_back(*measured);
      // Beside what the paradigm measures stands the trainer's gradient norm of every layer.
      const auto gradients = std::ranges::remove_if(
          stats.back().values, [](const auto& value) { return value.statistic != "snr_db"; });
      EXPECT_EQ(gradients.size(), 14u);
      stats.back().values.erase(gradients.begin(), gradients.end());
    }
    if (const auto* message = std::get_if<RunMessage>(&event.body))
      said =
          said || message->text.find("t_noise 0.5 → 0.01 over 20 steps, log") != std::string::npos;
  }
  EXPECT_TRUE(said) << "the schedule is recorded in the run";
  ASSERT_EQ(losses.size(), 30u);
  EXPECT_LT(losses.back(), losses.front() - 0.3);
  ASSERT_EQ(stats.size(), 3u);
  EXPECT_EQ(stats[0].step, 10);
  ASSERT_EQ(stats[0].values.size(), 14u);
  EXPECT_EQ(stats[0].values[0].layer, "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(stats[0].values[0].statistic, "snr_db");
  for (std::size_t i = 0; i < 14; ++i) {
    EXPECT_TRUE(std::isfinite(stats[0].values[i].value));
    EXPECT_GT(stats[2].values[i].value, stats[0].values[i].value + 10)
        << "the ramp takes the noise down by more than 16 dB between steps 10 and 30";
  }
}

TEST_F(SampleParadigm, ARampGoesOnExactlyAfterAStop) {
  RunControl undisturbed;
  ASSERT_TRUE(train(config("through"), undisturbed, {}).finished);
  for (int part = 1; part <= 15; ++part) {
    RunControl control;
    control.request(RunRequest::stop);  // obeyed after one step
    ASSERT_EQ(train(config("resumed"), control, {}).step, part);
  }
  RunControl rest;
  ASSERT_TRUE(train(config("resumed"), rest, {}).finished);
  for (const char* file : {"model.safetensors", "checkpoint-30/optimizer.safetensors"})
    EXPECT_TRUE(tests::content_of(folder_ / "through" / file) ==
                tests::content_of(folder_ / "resumed" / file))
        << file;
}

TEST_F(SampleParadigm, AnEvaluationStandsWhereTheRampStood) {
  RunConfig half_way = config("run");
  half_way.max_steps = 10;
  half_way.do_eval = true;
  half_way.validation_file = (folder_ / "text.txt").string();
  RunControl control;
  ASSERT_TRUE(train(half_way, control, {}).finished);
  double while_training = 0;
  for (const RunEvent& event : events("run"))
    if (const auto* evaluated = std::get_if<Evaluated>(&event.body))
      while_training = evaluated->eval_loss;

  EvalConfig eval;
  eval.model_name_or_path = (folder_ / "run").string();
  eval.validation_file = half_way.validation_file;
  eval.block_size = half_way.block_size;
  eval.per_device_eval_batch_size = 3;
  eval.device = "cpu";
  EXPECT_NEAR(evaluate(eval, {}).eval_loss, while_training, 1e-5)
      << "the folder tells the step, though the paradigm has no state";
  eval.transform_config =
      folder_.write("start.yaml", "default: {t_noise: 0.5}\nlm_head: null\n").string();
  EXPECT_GT(evaluate(eval, {}).eval_loss, while_training + 1e-3);
}

TEST_F(SampleParadigm, KeepsWhatEveryParadigmMustKeep) {
  for (const ConformanceResult& result : check_conformance(thermal_noise()))
    EXPECT_EQ(result.outcome, ConformanceResult::Outcome::kept)
        << result.check << ": " << result.reason;
}

}  // namespace
}  // namespace engine
