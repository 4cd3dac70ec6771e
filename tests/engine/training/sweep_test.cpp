// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/sweep.h"

#include "engine/error.h"
#include "engine/training/evaluate.h"
#include "engine/training/train.h"
#include "tests/support/tiny_subject.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace engine {
namespace {

constexpr const char* kOptical = R"(layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: &all {q_levels: 256}
  model\.layers\.[0-9]+\.(self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj): *all
  lm_head: null
)";

class Sweep : public tests::TinySubject {
 protected:
  Sweep() : TinySubject(600, 800) { folder_.write("optical.yaml", kOptical); }

  EvalConfig eval_config() const {
    EvalConfig config = TinySubject::eval_config();
    config.transform_config = (folder_ / "optical.yaml").string();
    return config;
  }

  SweepConfig config(const std::vector<std::string>& axes, std::int64_t draws = 1) const {
    SweepConfig config;
    config.eval = eval_config();
    for (const std::string& axis : axes) config.axes.push_back(parse_sweep_axis(axis));
    config.noise_seeds = draws;
    config.reference = false;
    return config;
  }

  double loss_of(EvalConfig config) const { return evaluate(config, {}).eval_loss; }
};

TEST_F(Sweep, EveryDrawIsWhatEvalMeasuresAtThatSetting) {
  const SweepResult result = sweep(config({"q_levels=16,256"}, 2), {});
  ASSERT_EQ(result.cells.size(), 2u);
  EvalConfig single = eval_config();
  single.transform_config = "none";
  EXPECT_EQ(result.plain_loss, loss_of(single));
  for (std::size_t cell = 0; cell < 2; ++cell) {
    std::string rules = kOptical;
    if (cell == 0) rules.replace(rules.find("256"), 3, "16");
    single.transform_config = folder_.write("single.yaml", rules).string();
    ASSERT_EQ(result.cells[cell].losses.size(), 2u);
    for (std::int64_t draw = 0; draw < 2; ++draw) {
      single.seed = 42 + draw;
      EXPECT_EQ(result.cells[cell].losses[std::size_t(draw)], loss_of(single));
    }
    EXPECT_EQ(result.cells[cell].transform_digest, evaluate(single, {}).transform_digest);
    EXPECT_EQ(result.cells[cell].calibrated_batches, 2);
  }
}

TEST_F(Sweep, DrawsDifferUnlessThereIsNoNoise) {
  const SweepResult result = sweep(config({"noise=true,false"}, 4), {});
  auto noisy = result.cells[0].losses;
  std::sort(noisy.begin(), noisy.end());
  EXPECT_EQ(std::unique(noisy.begin(), noisy.end()), noisy.end());
  for (const double loss : result.cells[1].losses) EXPECT_EQ(loss, result.cells[1].losses[0]);
}

TEST_F(Sweep, ACellDoesNotDependOnThoseBeforeIt) {
  const SweepResult there = sweep(config({"q_levels=4,64"}), {});
  const SweepResult back = sweep(config({"q_levels=64,4"}), {});
  EXPECT_EQ(there.cells[0].losses, back.cells[1].losses);
  EXPECT_EQ(there.cells[1].losses, back.cells[0].losses);
}

TEST_F(Sweep, FinerLevelsComeNearerToThePlainModel) {
  const SweepResult result = sweep(config({"q_levels=3,65536", "q_lut_min=null"}), {});
  const double coarse = std::abs(result.cells[0].losses[0] - result.plain_loss);
  const double fine = std::abs(result.cells[1].losses[0] - result.plain_loss);
  EXPECT_LT(fine, 1e-3);
  EXPECT_GT(coarse, 10 * fine);
}

TEST_F(Sweep, WithoutAxesOneSettingIsDrawnSeveralTimes) {
  const SweepResult result = sweep(config({}, 3), {});
  ASSERT_EQ(result.cells.size(), 1u);
  EXPECT_TRUE(result.cells[0].settings.empty());
  EXPECT_EQ(result.cells[0].losses.size(), 3u);
}

TEST_F(Sweep, TheHeadThatCalibratesIsMeasuredByNoCell) {
  SweepConfig headless = config({"q_levels=16"});
  const SweepResult whole = sweep(headless, {});
  headless.eval.train_file.reset();
  headless.eval.per_device_eval_batch_size = 3;
  const SweepResult result = sweep(headless, {});
  EXPECT_EQ(result.eval_tokens, whole.eval_tokens - 2 * 3 * 15);
  EXPECT_NE(result.notes.back().find("the head of the validation text"), std::string::npos);
}

TEST_F(Sweep, RangesOfTheCheckpointAreKeptWhereItsTransformIsMeasured) {
  RunConfig run;
  run.model_name_or_path = (folder_ / "model").string();
  run.train_file = (folder_ / "train.txt").string();
  run.output_dir = (folder_ / "run").string();
  run.transform_config = (folder_ / "optical.yaml").string();
  run.do_train = true;
  run.block_size = 16;
  run.max_steps = 2;
  run.device = "cpu";
  RunControl control;
  ASSERT_TRUE(train(run, control, {}).finished);
  SweepConfig recorded = config({"q_levels=16,256"});
  recorded.eval.model_name_or_path = run.output_dir;
  recorded.eval.transform_config.reset();
  const SweepResult result = sweep(recorded, {});
  EXPECT_EQ(result.cells[0].calibrated_batches, 2);
  EXPECT_EQ(result.cells[1].calibrated_batches, 0);
  EXPECT_EQ(result.cells[1].losses[0], loss_of(recorded.eval));
}

TEST_F(Sweep, ProgressCoversTheWholeAndCanCancel) {
  double last = 0;
  double whole = 0;
  std::vector<std::string> stages;
  sweep(config({"q_levels=4,8"}, 2), [&](const std::string& stage, double done, double total) {
    if (stage.starts_with("q_levels")) {
      EXPECT_GE(done, last) << stage;
      last = done;
      whole = total;
      if (stages.empty() || stages.back() != stage) stages.push_back(stage);
    }
    return true;
  });
  EXPECT_EQ(last, whole);
  EXPECT_EQ(stages, (std::vector<std::string>{"q_levels=4 (1/2)", "q_levels=8 (2/2)"}));
  const auto cancel = [](const std::string& stage, double, double) { return stage != "plain"; };
  EXPECT_THROW(sweep(config({"q_levels=4,8"}), cancel), Error);
}

TEST_F(Sweep, BadInputEndsBeforeAnythingIsMeasured) {
  const auto problem_of = [](const SweepConfig& config) {
    try {
      sweep(config, [](const std::string& stage, double, double) {
        EXPECT_NE(stage, "plain") << "measured already";
        return true;
      });
    } catch (const Error& error) {
      return error.problems().at(0);
    }
    return Problem{};
  };
  EXPECT_EQ(problem_of(config({"q_levels=1"})).place.file, "--sweep");
  EXPECT_NE(problem_of(config({"q_level=4"})).remedy.find("q_levels"), std::string::npos);
  SweepConfig plain = config({"q_levels=4"});
  plain.eval.transform_config = "none";
  EXPECT_EQ(problem_of(plain).id, "nothing-to-sweep");
}

TEST_F(Sweep, WithoutCalibrationTheLayerIsNamed) {
  SweepConfig uncalibrated = config({"q_levels=4"});
  uncalibrated.eval.calibrate_batches = 0;
  try {
    sweep(uncalibrated, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("model.layers.0"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace engine
