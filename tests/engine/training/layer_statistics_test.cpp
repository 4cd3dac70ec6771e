// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/layer_statistics.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/training/trainer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace engine {
namespace {

/// "step.micro_step" of every forward that was asked to measure.
using Asked = std::vector<std::string>;

class MeasuringLinear final : public LinearLayer {
 public:
  MeasuringLinear(std::unique_ptr<LinearLayer> original, Asked& asked)
      : LinearLayer(original->name(), original->weight(), original->bias()),
        original_(std::move(original)),
        asked_(asked) {}
  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override {
    if (context.measure) {
      asked_.push_back(std::to_string(context.step) + "." + std::to_string(context.micro_step));
      rows_ = at::full({}, x.size(0), at::kLong);
      mean_ = x.detach().mean();
    }
    return original_->forward(x, context);
  }
  std::vector<NamedStatistic> statistics() override {
    if (!rows_.defined()) return {};
    return {{"rows", rows_}, {"x_mean", mean_}};
  }

 private:
  std::unique_ptr<LinearLayer> original_;
  Asked& asked_;
  at::Tensor rows_;
  at::Tensor mean_;
};

class LayerStatistics : public ::testing::Test {
 protected:
  struct Training {
    Llama model;
    AdamW optimizer;
    Trainer trainer;
    Training(Llama loaded, std::int64_t every)
        : model(std::move(loaded)),
          optimizer(model.parameters(), {}),
          trainer(model, optimizer,
                  {.schedule = {.type = "constant", .peak = 1e-3, .total_steps = 10},
                   .layer_stats_steps = every}) {}
  };

  void SetUp() override {
    at::set_num_threads(1);
    tests::write_tiny_llama(folder_ / "model");
  }

  std::unique_ptr<Training> training(std::int64_t every, Asked* asked = nullptr) {
    const LlamaConfig config = read_llama_config(folder_ / "model/config.json");
    std::vector<std::string> notes;
    auto made = std::make_unique<Training>(
        Llama(config, load_weights(folder_ / "model", config, at::kCPU, notes)), every);
    if (asked != nullptr) {
      made->model.linear_slots()[6]->replace([&](std::unique_ptr<LinearLayer> original) {
        return std::make_unique<MeasuringLinear>(std::move(original), *asked);
      });
    }
    return made;
  }

  /// Two micro-batches, of three rows and of two.
  static std::vector<at::Tensor> batches(std::uint64_t seed) {
    at::Generator generator = at::detail::createCPUGenerator(seed);
    return {at::randint(257, {3, 8}, generator, at::kLong),
            at::randint(257, {2, 8}, generator, at::kLong)};
  }

  tests::ScratchFolder folder_;
};

TEST_F(LayerStatistics, AreTakenOnTheLastMicroBatchOfEveryKthStep) {
  Asked asked;
  const auto run = training(3, &asked);
  std::vector<bool> measured;
  for (int step = 0; step < 7; ++step)
    measured.push_back(run->trainer.step(batches(step)).measured);
  EXPECT_EQ(asked, (Asked{"2.1", "5.1"}));
  EXPECT_EQ(measured, (std::vector<bool>{false, false, true, false, false, true, false}));
  const std::vector<LayerStat> stats = layer_statistics(run->model);
  ASSERT_EQ(stats.size(), 2u);
  EXPECT_EQ(stats[0].layer, "model.layers.0.mlp.down_proj");
  EXPECT_EQ(stats[0].statistic, "rows");
  EXPECT_EQ(stats[0].value, 2);
  EXPECT_EQ(stats[1].statistic, "x_mean");
  EXPECT_NE(stats[1].value, 0);
}

TEST_F(LayerStatistics, ZeroMeansNeverAndPlainLayersReportNothing) {
  Asked asked;
  const auto never = training(0, &asked);
  for (int step = 0; step < 3; ++step) EXPECT_FALSE(never->trainer.step(batches(step)).measured);
  EXPECT_TRUE(asked.empty());
  EXPECT_TRUE(layer_statistics(never->model).empty());
  const auto plain = training(1);
  EXPECT_FALSE(plain->trainer.step(batches(0)).measured);
  EXPECT_TRUE(layer_statistics(plain->model).empty());
}

}  // namespace
}  // namespace engine
