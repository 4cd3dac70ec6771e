// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/layer_statistics.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/training/model_setup.h"
#include "engine/training/trainer.h"
#include "engine/transform/transform_choice.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>

#include <gtest/gtest.h>

#include <map>
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

/// Keeps the gradient of its input, of every micro-batch anew.
class WatchedLinear final : public LinearLayer {
 public:
  WatchedLinear(std::unique_ptr<LinearLayer> original, at::Tensor& gradient)
      : LinearLayer(original->name(), original->weight(), original->bias()),
        original_(std::move(original)),
        gradient_(gradient) {}
  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override {
    x.register_hook([this](const at::Tensor& gradient) { gradient_ = gradient; });
    return original_->forward(x, context);
  }
  bool is_transformed() const override { return false; }

 private:
  std::unique_ptr<LinearLayer> original_;
  at::Tensor& gradient_;
};

class LayerStatistics : public ::testing::Test {
 protected:
  struct Training {
    Llama model;
    AdamW optimizer;
    Trainer trainer;
    Training(Llama loaded, std::int64_t every, double max_grad_norm = 1.0)
        : model(std::move(loaded)),
          optimizer(model.parameters(), {}),
          trainer(model, optimizer,
                  {.schedule = {.type = "constant", .peak = 1e-3, .total_steps = 10},
                   .max_grad_norm = max_grad_norm,
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

  /// With optical attention and MLPs; the other layers are plain.
  std::unique_ptr<Training> optical_training(double max_grad_norm) {
    const LlamaConfig config = read_llama_config(folder_ / "model/config.json");
    std::vector<std::string> notes;
    auto made = std::make_unique<Training>(
        Llama(config, load_weights(folder_ / "model", config, at::kCPU, notes)), 1, max_grad_norm);
    const auto rules = folder_.write("rules.yaml",
                                     "use_regex: true\nlayer_name_to_config:\n"
                                     "  .*(self_attn|mlp\\..*_proj): {q_levels: 64}\n"
                                     "  default: null\n");
    transform_model(made->model, choose_transform(rules.string(), {}, config, "fp32"), {}, 42);
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

TEST_F(LayerStatistics, TellTheGradientOfEveryTransformedLayerBeforeItIsClipped) {
  const auto run = optical_training(/*max_grad_norm=*/0);
  const auto clipped = optical_training(/*max_grad_norm=*/1e-3);
  const auto slots = run->model.linear_slots();
  at::Tensor gradient;  // of the first attention's output, which its projection reads
  slots[3]->replace([&](std::unique_ptr<LinearLayer> original) {
    return std::make_unique<WatchedLinear>(std::move(original), gradient);
  });
  const StepMetrics step = run->trainer.step(batches(1));
  ASSERT_TRUE(step.measured);

  std::map<std::string, double> weights, outputs;
  for (const LayerStat& stat : layer_statistics(run->model, step.gradient_norms)) {
    if (stat.statistic == "grad_norm") weights[stat.layer] = stat.value;
    if (stat.statistic == "out_grad_norm") outputs[stat.layer] = stat.value;
  }
  std::size_t transformed = 0;
  for (const LayerSlot<LinearLayer>* slot : slots) {
    const LinearLayer& layer = **slot;
    if (!layer.is_transformed()) {
      EXPECT_EQ(weights.count(layer.name()), 0u) << layer.name();
      continue;
    }
    ++transformed;
    const double norm = layer.weight().grad().norm().item<double>();  // nothing clips it here
    EXPECT_GT(norm, 0) << layer.name();
    EXPECT_NEAR(weights.at(layer.name()), norm, 1e-5 * norm) << layer.name();
  }
  EXPECT_EQ(weights.size(), transformed);
  EXPECT_EQ(outputs.size(), run->model.attention_slots().size());
  const double norm = gradient.norm().item<double>();
  EXPECT_GT(norm, 0);
  EXPECT_NEAR(outputs.at("model.layers.0.self_attn"), norm, 1e-5 * norm);

  const StepMetrics cut = clipped->trainer.step(batches(1));
  for (const LayerStat& stat : layer_statistics(clipped->model, cut.gradient_norms)) {
    if (stat.statistic != "grad_norm") continue;
    EXPECT_NEAR(stat.value, weights.at(stat.layer), 1e-5 * stat.value) << stat.layer;
  }
}

}  // namespace
}  // namespace engine
