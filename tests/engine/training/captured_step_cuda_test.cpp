// SPDX-License-Identifier: GPL-3.0-or-later
// Training with CUDA graphs is training without them, bit for bit.
#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/device/cuda_rows.h"
#include "engine/devices.h"
#include "engine/training/captured_step.h"
#include "engine/training/layer_statistics.h"
#include "engine/training/model_setup.h"
#include "engine/training/trainer.h"
#include "engine/transform/transform_choice.h"
#include "tests/support/needs_cuda.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace engine {
namespace {

using Batches = std::vector<at::Tensor>;

const char* const kOpticalLinears =
    "'.*_proj': {paradigm: optical_transformer, q_levels: 64}\ndefault: null\n";
const char* const kOptical =
    "'.*_proj': {paradigm: optical_transformer, q_levels: 64, q_lut_min: 0.02}\n"
    "'.*self_attn': {paradigm: optical_transformer, q_levels: 256}\ndefault: null\n";
const char* const kBitFlips =
    "'.*_proj': {paradigm: random_bitflip, x_p_exp: 0.0002, x_p_frac: 0.0002, x_zero_out_t: 30, "
    "w_p_exp: 0.0002, w_p_frac: 0.0002, w_zero_out_t: 1.25}\ndefault: null\n";

class CapturedStepOnCuda : public ::testing::Test {
 protected:
  struct Training {
    std::unique_ptr<Llama> model;
    std::unique_ptr<AdamW> optimizer;
    std::unique_ptr<Trainer> trainer;
  };

  void SetUp() override {
    SKIP_WITHOUT_CUDA();
    tests::write_tiny_llama(folder_ / "model", {.hidden_size = 64, .intermediate_size = 128});
  }

  Training training(const std::optional<std::string>& transform, c10::ScalarType dtype,
                    std::shared_ptr<GraphMemory> memory, std::int64_t layer_stats_steps = 0,
                    ActivationCheckpointing checkpointing = ActivationCheckpointing::none) {
    const LlamaConfig config = read_llama_config(folder_ / "model/config.json");
    std::vector<std::string> notes;
    Training made;
    made.model = std::make_unique<Llama>(
        config, load_weights(folder_ / "model", config, at::Device(at::kCUDA, 0), notes));
    if (transform) {
      const auto file = folder_ / "rules.yaml";
      std::ofstream(file) << *transform;
      const std::string type = dtype == at::kFloat ? "fp32" : "bf16";
      transform_model(*made.model, choose_transform(file.string(), {}, config, type), {}, 42);
    }
    made.optimizer = std::make_unique<AdamW>(made.model->parameters(), AdamWOptions{});
    made.trainer = std::make_unique<Trainer>(
        *made.model, *made.optimizer,
        TrainerOptions{.schedule = {.type = "linear", .peak = 1e-3, .total_steps = 20},
                       .compute_dtype = dtype,
                       .layer_stats_steps = layer_stats_steps,
                       .checkpointing = checkpointing,
                       .graph_memory = std::move(memory)});
    return made;
  }

  static std::shared_ptr<GraphMemory> memory() { return graph_memory(at::Device(at::kCUDA, 0)); }

  static Batches batches(std::uint64_t step, std::int64_t count, std::int64_t rows = 2,
                         std::int64_t length = 32) {
    at::Generator generator = at::detail::createCPUGenerator(100 + step);
    Batches all;
    for (std::int64_t i = 0; i < count; ++i) {
      all.push_back(at::randint(257, {rows, length}, generator, at::kLong));
    }
    return all;
  }

  /// Takes the same step in both and compares all that it changes.
  static void expect_same_step(Training& one, Training& other, const Batches& ids) {
    const StepMetrics left = one.trainer->step(ids);
    const StepMetrics right = other.trainer->step(ids);
    const auto step = one.trainer->steps_done();
    EXPECT_TRUE(at::equal(left.loss, right.loss))
        << "step " << step << ": " << left.loss.item<float>() << ", " << right.loss.item<float>();
    EXPECT_TRUE(at::equal(left.grad_norm, right.grad_norm)) << "step " << step;
    for (std::size_t i = 0; i < one.model->parameters().size(); ++i) {
      const Parameter& parameter = one.model->parameters()[i];
      ASSERT_TRUE(at::equal(parameter.tensor, other.model->parameters()[i].tensor))
          << "step " << step << ": " << parameter.name;
    }
    const auto states = one.model->simulation_state();
    const auto others = other.model->simulation_state();
    for (std::size_t i = 0; i < states.size(); ++i) {
      ASSERT_TRUE(at::equal(states[i].tensor, others[i].tensor))
          << "step " << step << ": " << states[i].name;
    }
  }

  void expect_same_training(const std::optional<std::string>& transform, c10::ScalarType dtype) {
    Training eager = training(transform, dtype, nullptr);
    Training graphs = training(transform, dtype, memory());
    for (std::uint64_t step = 0; step < 10; ++step) {
      expect_same_step(eager, graphs, batches(step, 2));
    }
    EXPECT_EQ(graphs.trainer->capture_failure(), "");
    EXPECT_TRUE(graphs.trainer->is_captured());
  }

  tests::ScratchFolder folder_;
};

TEST_F(CapturedStepOnCuda, RecomputedActivationsAreRecordedToo) {
  for (const char* rules : {kOptical, kBitFlips}) {
    for (const auto checkpointing :
         {ActivationCheckpointing::selective, ActivationCheckpointing::layer}) {
      Training launched = training(rules, at::kBFloat16, nullptr, 0, checkpointing);
      Training recorded = training(rules, at::kBFloat16, memory(), 0, checkpointing);
      for (std::uint64_t step = 0; step < 7; ++step) {
        expect_same_step(launched, recorded, batches(step, 2));
      }
      EXPECT_TRUE(recorded.trainer->is_captured()) << recorded.trainer->capture_failure();
    }
  }
}

TEST_F(CapturedStepOnCuda, PlainTrainingIsTheSame) {
  expect_same_training(std::nullopt, at::kFloat);
  expect_same_training(std::nullopt, at::kBFloat16);
}

TEST_F(CapturedStepOnCuda, OpticalTrainingDrawsTheSameNoiseAndMovesTheSameRanges) {
  expect_same_training(kOptical, at::kFloat);
  expect_same_training(kOptical, at::kBFloat16);
}

TEST_F(CapturedStepOnCuda, BitFlipsAreDrawnAnewInEveryReplay) {
  expect_same_training(kBitFlips, at::kFloat);
  expect_same_training(kBitFlips, at::kBFloat16);
}

TEST_F(CapturedStepOnCuda, StepsOfAnotherShapeAndMeasuredStepsGoInBetween) {
  Training eager = training(kOpticalLinears, at::kBFloat16, nullptr, 6);
  Training graphs = training(kOpticalLinears, at::kBFloat16, memory(), 6);
  for (std::uint64_t step = 0; step < 14; ++step) {
    expect_same_step(eager, graphs, batches(step, 1, step % 5 == 4 ? 1 : 3));
  }
  EXPECT_TRUE(graphs.trainer->is_captured());
}

TEST_F(CapturedStepOnCuda, MeasuredStepsAreRecordedAndMeasureTheSame) {
  for (const char* rules : {kOptical, kBitFlips}) {
    for (const std::int64_t micro_batches : {1, 3}) {
      Training eager = training(rules, at::kBFloat16, nullptr, 3);
      Training graphs = training(rules, at::kBFloat16, memory(), 3);
      for (std::uint64_t step = 0; step < 18; ++step) {
        // The layers of the graphs measure a step of another shape in between.
        const std::int64_t rows = step == 11 ? 1 : 2;
        const auto ids = batches(step, micro_batches, rows);
        const StepMetrics left = eager.trainer->step(ids);
        const StepMetrics right = graphs.trainer->step(ids);
        ASSERT_TRUE(at::equal(left.loss, right.loss)) << "step " << step;
        ASSERT_TRUE(at::equal(left.gradient_norms, right.gradient_norms)) << "step " << step;
        ASSERT_EQ(right.measured, step % 3 == 2);
        if (!right.measured) continue;
        const auto expected = layer_statistics(*eager.model, left.gradient_norms);
        const auto actual = layer_statistics(*graphs.model, right.gradient_norms);
        ASSERT_EQ(actual.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
          EXPECT_EQ(actual[i].layer + actual[i].statistic,
                    expected[i].layer + expected[i].statistic);
          EXPECT_EQ(actual[i].value, expected[i].value)
              << "step " << step << ": " << actual[i].layer << " " << actual[i].statistic;
        }
        EXPECT_EQ(graphs.trainer->measures_in_graph(), step == 8 || step > 11) << "step " << step;
      }
    }
  }
}

TEST_F(CapturedStepOnCuda, SampledStepsTrainAsOthersDo) {
  for (const char* rules : {kOptical, kOpticalLinears, kBitFlips}) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(testing::Message() << rules << dtype);
      Training never = training(rules, dtype, memory());
      Training always = training(rules, dtype, memory(), 1);
      for (std::uint64_t step = 0; step < 10; ++step) {
        expect_same_step(never, always, batches(step, 2));
      }
      EXPECT_TRUE(never.trainer->is_captured() && always.trainer->measures_in_graph());
    }
  }
}

// Of this size, attention's gradients by cuDNN are not the same twice.
TEST_F(CapturedStepOnCuda, UnderFullDeterminismEqualTrainingsEndAtTheSameBits) {
  tests::write_tiny_llama(folder_ / "model", {.hidden_size = 256, .intermediate_size = 512});
  set_full_determinism(true);
  for (const std::optional<std::string>& rules :
       {std::optional<std::string>(), std::optional<std::string>(kBitFlips),
        std::optional<std::string>(kOpticalLinears)}) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(testing::Message() << rules.value_or("plain") << dtype);
      Training one = training(rules, dtype, memory());
      Training other = training(rules, dtype, memory());
      for (std::uint64_t step = 0; step < 8; ++step) {
        expect_same_step(one, other, batches(step, 1, 12, 1024));
      }
      EXPECT_TRUE(one.trainer->is_captured()) << one.trainer->capture_failure();
    }
  }
  set_full_determinism(false);
}

TEST_F(CapturedStepOnCuda, TrainersThatTakeTurnsShareTheMemory) {
  const auto shared = memory();
  Training plain = training(std::nullopt, at::kBFloat16, nullptr);
  Training plain_graphs = training(std::nullopt, at::kBFloat16, shared);
  Training flips = training(kBitFlips, at::kBFloat16, nullptr);
  Training flips_graphs = training(kBitFlips, at::kBFloat16, shared);
  for (std::uint64_t step = 0; step < 8; ++step) {
    expect_same_step(plain, plain_graphs, batches(step, 2));
    expect_same_step(flips, flips_graphs, batches(step, 2));
  }
  EXPECT_TRUE(plain_graphs.trainer->is_captured());
  EXPECT_TRUE(flips_graphs.trainer->is_captured());
}

TEST_F(CapturedStepOnCuda, ATrainerThatGaveItsMemoryBackRecordsAgainAndComputesTheSame) {
  for (const char* const rules : {"", kOptical, kBitFlips}) {
    const auto transform = *rules == '\0' ? std::nullopt : std::optional<std::string>(rules);
    Training eager = training(transform, at::kBFloat16, nullptr);
    Training graphs = training(transform, at::kBFloat16, memory());
    for (std::uint64_t step = 0; step < 10; ++step) {
      if (step == 2 || step == 5 || step == 8) {
        EXPECT_EQ(graphs.trainer->is_captured(), step > 2);
        const std::int64_t before = memory_in_use(graphs.model->device());
        graphs.trainer->release_memory();
        EXPECT_FALSE(graphs.trainer->is_captured());
        EXPECT_LT(memory_in_use(graphs.model->device()), before);
      }
      expect_same_step(eager, graphs, batches(step, 2));
    }
    EXPECT_TRUE(graphs.trainer->is_captured());
  }
}

TEST_F(CapturedStepOnCuda, AMovingScheduleWaitsUntilItHasSettled) {
  const std::string ramp =
      "'.*_proj': {paradigm: random_bitflip, x_p_frac: {from: 0.001, to: 0.00001, steps: 6, shape: "
      "log}}\ndefault: null\n";
  Training eager = training(ramp, at::kBFloat16, nullptr);
  Training graphs = training(ramp, at::kBFloat16, memory());
  for (std::uint64_t step = 0; step < 10; ++step) {
    EXPECT_EQ(graphs.trainer->is_captured(), step > 6) << "before step " << step;
    expect_same_step(eager, graphs, batches(step, 1));
  }
}

TEST_F(CapturedStepOnCuda, AnAbandonedStepChangesNothing) {
  Training eager = training(std::nullopt, at::kBFloat16, nullptr);
  Training graphs = training(std::nullopt, at::kBFloat16, memory());
  for (std::uint64_t step = 0; step < 6; ++step) {
    expect_same_step(eager, graphs, batches(step, 2));
    int calls = 0;
    const auto leave = [&] {
      if (++calls == 2) throw std::runtime_error("left");
    };
    EXPECT_THROW(graphs.trainer->step(batches(50, 2), leave), std::runtime_error);
  }
  EXPECT_TRUE(graphs.trainer->is_captured());
}

/// Says that it can be captured, and reads the device.
class ReadingLinear final : public LinearLayer {
 public:
  explicit ReadingLinear(std::unique_ptr<LinearLayer> original)
      : LinearLayer(original->name(), original->weight(), original->bias()),
        original_(std::move(original)) {}
  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override {
    static_cast<void>(x.detach().sum().item<float>());
    return original_->forward(x, context);
  }
  bool is_capturable(std::int64_t /*step*/) const override { return true; }

 private:
  std::unique_ptr<LinearLayer> original_;
};

// Activations that are computed again go through kernels of their own for every layer and read-out.
TEST_F(CapturedStepOnCuda, FusedOpticalLinearsTrainAsThoseComputedOneByOne) {
  const char* const rules = "'.*_proj': {paradigm: optical_transformer}\ndefault: null\n";
  Training fused = training(rules, at::kBFloat16, memory());
  Training apart = training(rules, at::kBFloat16, memory(), 0, ActivationCheckpointing::layer);
  for (std::uint64_t step = 0; step < 20; ++step) {
    const auto ids = batches(step, 2);
    const float expected = apart.trainer->step(ids).loss.item<float>();
    EXPECT_NEAR(fused.trainer->step(ids).loss.item<float>(), expected, 2e-2) << step;
  }
  EXPECT_TRUE(fused.trainer->is_captured());
  const auto states = fused.model->simulation_state(), others = apart.model->simulation_state();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const at::Tensor width = others[i].tensor[1] - others[i].tensor[0];
    const at::Tensor distance = (states[i].tensor - others[i].tensor).abs().max();
    EXPECT_LT(distance.item<float>(), 0.05f * width.item<float>()) << states[i].name;
  }
}

TEST_F(CapturedStepOnCuda, AFailedRecordingLeavesTrainingAndTheMemoryAsTheyWere) {
  const auto shared = memory();
  Training eager = training(std::nullopt, at::kBFloat16, nullptr);
  Training failing = training(std::nullopt, at::kBFloat16, shared);
  for (const Training* each : {&eager, &failing}) {
    each->model->linear_slots()[9]->replace([](std::unique_ptr<LinearLayer> original) {
      return std::make_unique<ReadingLinear>(std::move(original));
    });
  }
  for (std::uint64_t step = 0; step < 7; ++step) {
    expect_same_step(eager, failing, batches(step, 2));
  }
  EXPECT_NE(failing.trainer->capture_failure(), "");
  Training other = training(std::nullopt, at::kBFloat16, nullptr);
  Training graphs = training(std::nullopt, at::kBFloat16, shared);
  for (std::uint64_t step = 0; step < 7; ++step) expect_same_step(other, graphs, batches(step, 2));
  EXPECT_TRUE(graphs.trainer->is_captured()) << graphs.trainer->capture_failure();
}

TEST_F(CapturedStepOnCuda, ARecordingMayFollowOneThatIsGone) {
  const auto shared = memory();
  for (int round = 0; round < 3; ++round) {
    Training graphs = training(kOptical, at::kBFloat16, shared);
    for (std::uint64_t step = 0; step < 5; ++step) graphs.trainer->step(batches(step, 2));
    EXPECT_TRUE(graphs.trainer->is_captured()) << graphs.trainer->capture_failure();
  }
}

// As on a GPU before compute capability 8.0. Fused kernels round in other places, and their sums
// have another order: losses of 20 steps within 2e-5 of each other in fp32, 2e-2 in bf16.
TEST_F(CapturedStepOnCuda, WithoutKernelsThePlainModelTrainsAlike) {
  for (const auto& [dtype, tolerance] : {std::pair{at::kFloat, 2e-5}, {at::kBFloat16, 2e-2}}) {
    Training fused = training({}, dtype, memory());
    Training plain = training({}, dtype, memory());
    for (std::uint64_t step = 0; step < 20; ++step) {
      const auto ids = batches(step, 2);
      const float expected = fused.trainer->step(ids).loss.item<float>();
      const WithoutCudaKernels old_gpu;
      EXPECT_FALSE(has_cuda_kernels(ids[0].device()));
      EXPECT_NEAR(plain.trainer->step(ids).loss.item<float>(), expected, tolerance) << step;
    }
    EXPECT_TRUE(fused.trainer->is_captured());
    EXPECT_FALSE(plain.trainer->is_captured());
  }
}

}  // namespace
}  // namespace engine
