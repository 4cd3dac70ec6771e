// SPDX-License-Identifier: GPL-3.0-or-later
// The optical layers on a GPU against the same layers on the CPU, and what a step there may not do:
// wait for the device, or need memory that grows with the square of the sequence.
#include "tests/engine/paradigms/optical_transformer/optical_fixtures.h"

#include <gtest/gtest.h>

#include <algorithm>

#if defined(PARADIGM_WITH_CUDA) && defined(PARADIGM_TORCH_CUDA)

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/error.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"
#include "engine/training/chunked_cross_entropy.h"
#include "engine/training/trainer.h"
#include "engine/transform/transform_choice.h"
#include "engine/transform/transform_pass.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace engine {
namespace {

using namespace optical_fixtures;

const c10::Device kGpu("cuda:0");
constexpr AttentionShape kHeads{6, 2, 32, 0};

// Share of read-outs that two orders of summation may round to neighbouring levels. The
// accumulators differ by some 1e-6 (fp32) and 1e-2 (fp16 operands) of a level, and a read-out
// changes its level with that probability; scores carry it on to the context.
constexpr double kShareFp32 = 1e-3;
constexpr double kShareHalf = 0.03;

#define SKIP_WITHOUT_GPU() \
  if (c10::cuda::device_count() == 0) GTEST_SKIP() << "no CUDA device"

/// Host reads and other waits for the device throw while this lives.
class NoSynchronisation {
 public:
  NoSynchronisation() {
    c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
  }
  ~NoSynchronisation() {
    c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED);
  }
};

std::unique_ptr<LinearLayer> linear_on(c10::Device device, const at::Tensor& weight,
                                       const at::Tensor& bias, const Values& given = {}) {
  const at::Tensor moved_bias = bias.defined() ? bias.detach().to(device) : bias;
  return optical_linear(weight.detach().to(device), moved_bias, given);
}

std::unique_ptr<AttentionCore> attention_on(c10::Device device, const Values& given = {},
                                            const AttentionShape& shape = kHeads) {
  return optical_paradigm()->replace(
      std::make_unique<PlainAttention>("model.layers.0.self_attn", shape),
      optical_values(given, LayerKind::attention), {42, device});
}

ForwardContext training_in(c10::ScalarType type, std::int64_t step) {
  ForwardContext context = training(step);
  context.compute_dtype = type;
  return context;
}

/// At most `levels` apart everywhere, and no more than `share` of the elements at all.
void expect_same_levels(const at::Tensor& gpu, const at::Tensor& cpu, const at::Tensor& range,
                        double share, c10::ScalarType type, int levels = 1) {
  const at::Tensor a = gpu.detach().cpu().to(at::kDouble);
  const at::Tensor b = cpu.detach().to(at::kDouble);
  const at::Tensor bounds = range.cpu();
  const double level = (bounds[1] - bounds[0]).item<double>() / 255;
  const double greatest = b.abs().max().item<double>();
  const double rounding = type == at::kFloat ? 1e-5 * greatest : greatest / 128;
  const at::Tensor apart = (a - b).abs();
  EXPECT_LE(apart.max().item<double>(), 1.001 * levels * level + rounding);
  const at::Tensor counted = apart > 0.5 * level + rounding;
  EXPECT_LE(counted.to(at::kDouble).mean().item<double>(), share);
}

void expect_close(const at::Tensor& gpu, const at::Tensor& cpu, double relative) {
  const at::Tensor a = gpu.detach().cpu().to(at::kDouble);
  const at::Tensor b = cpu.detach().to(at::kDouble);
  ASSERT_EQ(a.sizes(), b.sizes());
  const double distance = (a - b).norm().item<double>();
  EXPECT_LE(distance, relative * b.norm().item<double>());
}

double tolerance(c10::ScalarType type) { return type == at::kFloat ? 1e-5 : 1e-2; }

TEST(OpticalCuda, OperandsHaveTheCpusBitsInAnyLayout) {
  SKIP_WITHOUT_GPU();
  const at::Tensor x = normal({5, 7, 33}, 1).transpose(0, 1);
  const at::Tensor range = at::tensor({-1.3f, 2.1f});
  for (const float floor : {0.0f, 0.02004f}) {
    const at::Tensor cpu = optical_transformer::quantised(
        optical_transformer::dense_values(x), {.levels = 256, .range = range, .lut_min = floor});
    const at::Tensor gpu =
        optical_transformer::quantised(optical_transformer::dense_values(x.to(kGpu)),
                                       {.levels = 256, .range = range.to(kGpu), .lut_min = floor});
    EXPECT_TRUE(same_bits(gpu.cpu(), cpu));
  }
}

TEST(OpticalCuda, ReadOutsOfOneAccumulatorHaveTheCpusBits) {
  SKIP_WITHOUT_GPU();
  const at::Tensor accumulator = normal({300, 129}, 2, 5);
  const at::Tensor range = at::tensor({-9.0f, 11.0f});
  const at::Tensor device_range = range.to(kGpu);
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    kernels::ReadOut how{.levels = 256,
                         .range = range.const_data_ptr<float>(),
                         .noise = {.key = 7, .time = {3, 1}, .first_element = 129 * 4000}};
    at::Tensor extent, device_extent;
    const at::Tensor cpu = optical_transformer::read_out(accumulator.clone(), how, type, extent);
    how.range = device_range.const_data_ptr<float>();
    const at::Tensor gpu =
        optical_transformer::read_out(accumulator.to(kGpu), how, type, device_extent);
    EXPECT_EQ(gpu.scalar_type(), type);
    EXPECT_TRUE(same_bits(gpu.cpu(), cpu.to(type)));
    EXPECT_TRUE(same_bits(device_extent.cpu(), extent));
  }
}

TEST(OpticalCuda, ALinearTrainsAsOnTheCpu) {
  SKIP_WITHOUT_GPU();
  const std::vector<Values> variants = {{},
                                        {{"ste", std::string("clip")}},
                                        {{"q_quantiles", RealPair{0.001, 0.999}}},
                                        {{"stats", std::string("delayed")}},
                                        {{"semantics", std::string("reference")}},
                                        {{"q_levels", std::int64_t{4096}}}};
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const Values& values : variants) {
      at::Tensor w = normal({96, 200}, 3, 0.05);
      at::Tensor b = normal({96}, 4);
      const auto cpu = linear_on(at::kCPU, w, b, values);
      const auto gpu = linear_on(kGpu, w, b, values);
      for (const auto* layer : {cpu.get(), gpu.get()}) {
        at::Tensor(layer->weight()).set_requires_grad(true);
        at::Tensor(layer->bias()).set_requires_grad(true);
      }
      const std::string name = values.empty() ? "defaults" : values[0].first;
      SCOPED_TRACE(name + (type == at::kFloat ? " fp32" : " bf16"));
      for (std::int64_t step = 0; step < 3; ++step) {
        const at::Tensor x = normal({4, 50, 200}, 10 + step, 1.0 + 0.2 * step).to(type);
        at::Tensor x_cpu = x.clone().set_requires_grad(true);
        at::Tensor x_gpu = x.to(kGpu).set_requires_grad(true);
        const at::Tensor y_cpu = cpu->forward(x_cpu, training_in(type, step));
        const at::Tensor y_gpu = gpu->forward(x_gpu, training_in(type, step));
        ASSERT_EQ(y_gpu.scalar_type(), type);
        // Upstream's Linears take quantiles, too; ranges then differ by a bin and levels with them.
        const bool has_quantiles = name == "q_quantiles" || name == "semantics";
        if (!has_quantiles && name != "q_levels") {
          expect_same_levels(y_gpu, y_cpu, state_of(*cpu, "out_min_max"),
                             type == at::kFloat ? kShareFp32 : kShareHalf, type);
        }
        expect_close(y_gpu, y_cpu, 1e-2);
        const at::Tensor g = normal({4, 50, 96}, 20 + step).to(type);
        y_cpu.backward(g);
        y_gpu.backward(g.to(kGpu));
        // What clips depends on the level at the bounds: a few elements more or less.
        const double relative = name == "ste" ? 0.03 : tolerance(type);
        expect_close(x_gpu.grad(), x_cpu.grad(), relative);
      }
      const double relative = name == "ste" ? 0.03 : tolerance(type);
      expect_close(gpu->weight().grad(), cpu->weight().grad(), relative);
      expect_close(gpu->bias().grad(), cpu->bias().grad(), tolerance(type));
      for (const char* state : {"x_min_max", "w_min_max", "out_min_max"}) {
        const at::Tensor expected = state_of(*cpu, state);
        const double width = (expected[1] - expected[0]).item<double>();
        const bool has_quantiles = name == "q_quantiles" || name == "semantics";
        const double bin = has_quantiles ? width / 1000 : 1e-4 * width;
        EXPECT_LE((state_of(*gpu, state).cpu() - expected).abs().max().item<double>(),
                  type == at::kFloat ? bin : 0.02 * width)
            << state;
        EXPECT_TRUE(state_of(*gpu, state).is_cuda());
      }
    }
  }
}

struct Heads {
  at::Tensor q, k, v;

  Heads(std::uint64_t seed, std::int64_t batch, std::int64_t queries, std::int64_t keys,
        c10::ScalarType type)
      : q(normal({batch, queries, 6, 32}, seed).to(type).transpose(1, 2)),
        k(normal({batch, keys, 2, 32}, seed + 1).to(type).transpose(1, 2)),
        v(normal({batch, keys, 2, 32}, seed + 2).to(type).transpose(1, 2)) {}

  Heads on(c10::Device device) const {
    Heads moved = *this;
    for (at::Tensor* tensor : {&moved.q, &moved.k, &moved.v}) {
      *tensor = tensor->detach().clone().to(device).set_requires_grad(true);
    }
    return moved;
  }
};

TEST(OpticalCuda, AttentionTrainsAsOnTheCpu) {
  SKIP_WITHOUT_GPU();
  const std::vector<Values> variants = {{},
                                        {{"ste", std::string("clip")}},
                                        {{"q_quantiles", RealPair{0.001, 0.999}}},
                                        {{"stats_scope", std::string("full")}},
                                        {{"semantics", std::string("reference")}},
                                        {{"q_levels", std::int64_t{4096}}}};
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const Values& values : variants) {
      const auto cpu = attention_on(at::kCPU, values);
      const auto gpu = attention_on(kGpu, values);
      const std::string name = values.empty() ? "defaults" : values[0].first;
      SCOPED_TRACE(name + (type == at::kFloat ? " fp32" : " bf16"));
      for (std::int64_t step = 0; step < 3; ++step) {
        const std::int64_t queries = step == 2 ? 40 : 150;
        const Heads heads(30 + 3 * step, 2, queries, 150, type);
        const Heads on_cpu = heads.on(at::kCPU);
        const Heads on_gpu = heads.on(kGpu);
        const at::Tensor y_cpu =
            cpu->forward(on_cpu.q, on_cpu.k, on_cpu.v, training_in(type, step));
        const at::Tensor y_gpu =
            gpu->forward(on_gpu.q, on_gpu.k, on_gpu.v, training_in(type, step));
        ASSERT_EQ(y_gpu.scalar_type(), type);
        const bool is_plain = name == "defaults" || name == "stats_scope" || name == "ste";
        if (is_plain) {
          expect_same_levels(y_gpu, y_cpu, state_of(*cpu, "av_min_max"),
                             type == at::kFloat ? 0.01 : 0.1, type, type == at::kFloat ? 1 : 2);
        }
        // A quantile is known to one bin on CUDA, so every level moves with its range.
        const bool has_quantiles = name == "q_quantiles";
        expect_close(y_gpu, y_cpu, type == at::kFloat && !has_quantiles ? 0.02 : 0.05);
        const at::Tensor g = normal({2, queries, 6 * 32}, 50 + step).to(type);
        y_cpu.backward(g);
        y_gpu.backward(g.to(kGpu));
        double relative = type == at::kFloat ? 5e-3 : 0.06;
        if (name == "ste") relative = std::max(relative, 0.05);
        if (has_quantiles) relative = 0.1;
        expect_close(on_gpu.q.grad(), on_cpu.q.grad(), relative);
        expect_close(on_gpu.k.grad(), on_cpu.k.grad(), relative);
        expect_close(on_gpu.v.grad(), on_cpu.v.grad(), relative);
      }
      for (const NamedState& state : cpu->simulation_state()) {
        if (state.name == "forward_count") continue;
        const double width = (state.tensor[1] - state.tensor[0]).item<double>();
        const at::Tensor actual = state_of(*gpu, state.name);
        EXPECT_TRUE(actual.is_cuda()) << state.name;
        EXPECT_LE((actual.cpu() - state.tensor).abs().max().item<double>(),
                  (type == at::kFloat ? 5e-3 : 0.03) * width)
            << state.name;
      }
    }
  }
}

TEST(OpticalCuda, AttentionDropsTheCpusProbabilities) {
  SKIP_WITHOUT_GPU();
  const AttentionShape shape{6, 2, 32, 0.25};
  const auto cpu = attention_on(at::kCPU, {}, shape);
  const auto gpu = attention_on(kGpu, {}, shape);
  const Heads heads(5, 2, 60, 60, at::kFloat);
  const Heads on_cpu = heads.on(at::kCPU);
  const Heads on_gpu = heads.on(kGpu);
  const at::Tensor y_cpu = cpu->forward(on_cpu.q, on_cpu.k, on_cpu.v, training());
  const at::Tensor y_gpu = gpu->forward(on_gpu.q, on_gpu.k, on_gpu.v, training());
  expect_same_levels(y_gpu, y_cpu, state_of(*cpu, "av_min_max"), 0.01, at::kFloat);
  const at::Tensor g = normal({2, 60, 192}, 8);
  y_cpu.backward(g);
  y_gpu.backward(g.to(kGpu));
  expect_close(on_gpu.q.grad(), on_cpu.q.grad(), 5e-3);
  expect_close(on_gpu.v.grad(), on_cpu.v.grad(), 5e-3);
}

// A query before the first key sees nothing; a cached decoding step sees all.
TEST(OpticalCuda, AttentionOfFewerKeysAndOfOneQueryEqualsTheCpus) {
  SKIP_WITHOUT_GPU();
  for (const auto& [queries, keys] : {std::pair{20, 11}, {1, 77}, {1, 1}}) {
    const auto cpu = attention_on(at::kCPU);
    const auto gpu = attention_on(kGpu);
    const Heads heads(6, 1, queries, keys, at::kFloat);
    const Heads on_gpu = heads.on(kGpu);
    const at::Tensor y_cpu = cpu->forward(heads.q, heads.k, heads.v, training());
    const at::Tensor y_gpu = gpu->forward(on_gpu.q, on_gpu.k, on_gpu.v, training());
    expect_same_levels(y_gpu, y_cpu, state_of(*cpu, "av_min_max"), 0.02, at::kFloat);
  }
}

// Also in bf16, where causal attention may be fused.
TEST(OpticalCuda, TheMaskIsWhatTheShapeSays) {
  SKIP_WITHOUT_GPU();
  AttentionShape shape = kHeads;
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const bool causal : {true, false}) {
      SCOPED_TRACE(std::string(causal ? "causal" : "full") +
                   (type == at::kFloat ? " fp32" : " bf16"));
      shape.causal = causal;
      for (const auto& [queries, keys] : {std::pair{70, 70}, {20, 11}, {1, 77}}) {
        const auto cpu = attention_on(at::kCPU, {}, shape);
        const auto gpu = attention_on(kGpu, {}, shape);
        const Heads heads(7, 2, queries, keys, type);
        const Heads on_cpu = heads.on(at::kCPU);
        const Heads on_gpu = heads.on(kGpu);
        const at::Tensor y_cpu = cpu->forward(on_cpu.q, on_cpu.k, on_cpu.v, training_in(type, 0));
        const at::Tensor y_gpu = gpu->forward(on_gpu.q, on_gpu.k, on_gpu.v, training_in(type, 0));
        expect_close(y_gpu, y_cpu, type == at::kFloat ? 0.02 : 0.05);
        const at::Tensor g = normal({2, queries, 6 * 32}, 9).to(type);
        y_cpu.backward(g);
        y_gpu.backward(g.to(kGpu));
        expect_close(on_gpu.v.grad(), on_cpu.v.grad(), type == at::kFloat ? 0.02 : 0.06);
      }
      // The last key's value reaches the first query unless the mask hides it.
      const auto gpu = attention_on(kGpu, {{"noise", false}}, shape);
      Heads heads = Heads(8, 1, 40, 40, type).on(kGpu);
      const at::NoGradGuard no_gradient;
      gpu->forward(heads.q, heads.k, heads.v, training_in(type, 0));
      ForwardContext evaluation = training_in(type, 1);
      evaluation.phase = Phase::evaluate;
      const at::Tensor before = gpu->forward(heads.q, heads.k, heads.v, evaluation);
      const at::Tensor later = heads.v.detach().clone();
      later.select(2, 39).fill_(3);
      const at::Tensor after = gpu->forward(heads.q, heads.k, later, evaluation);
      EXPECT_EQ(at::equal(before.select(1, 0), after.select(1, 0)), causal);
    }
  }
}

TEST(OpticalCuda, ARecomputedForwardAndABatchInTwoPartsRepeatTheBits) {
  SKIP_WITHOUT_GPU();
  const at::NoGradGuard no_gradient;
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const auto attention = attention_on(kGpu);
    const Heads heads = Heads(7, 4, 130, 130, type).on(kGpu);
    const auto linear = linear_on(kGpu, normal({64, 100}, 1, 0.1), normal({64}, 2));
    const at::Tensor x = normal({4, 30, 100}, 3).to(type).to(kGpu);
    attention->forward(heads.q, heads.k, heads.v, training_in(type, 0));
    linear->forward(x, training_in(type, 0));

    ForwardContext context = training_in(type, 1);
    const at::Tensor y = attention->forward(heads.q, heads.k, heads.v, context);
    const at::Tensor z = linear->forward(x, context);
    const auto state = copy_of_state(*attention);
    context.recompute = true;
    EXPECT_TRUE(same_bits(attention->forward(heads.q, heads.k, heads.v, context), y));
    EXPECT_TRUE(same_bits(linear->forward(x, context), z));
    const auto after = copy_of_state(*attention);
    for (std::size_t i = 0; i < state.size(); ++i) EXPECT_TRUE(same_bits(state[i], after[i]));

    // The noise of a part is that of its place in the whole. Products of other shapes may sum in
    // another order, so a few levels may differ.
    ForwardContext evaluation;
    evaluation.compute_dtype = type;
    const at::Tensor whole = attention->forward(heads.q, heads.k, heads.v, evaluation);
    evaluation.first_sequence = 2;
    const auto part = [](const at::Tensor& t) { return t.narrow(0, 2, 2); };
    const at::Tensor second =
        attention->forward(part(heads.q), part(heads.k), part(heads.v), evaluation);
    expect_same_levels(second, part(whole).cpu(), state_of(*attention, "av_min_max"),
                       type == at::kFloat ? 0.01 : 0.1, type);
  }
}

TEST(OpticalCuda, GradientsAreReproducible) {
  SKIP_WITHOUT_GPU();
  std::vector<at::Tensor> first;
  for (int run = 0; run < 2; ++run) {
    const auto gpu = attention_on(kGpu);
    const Heads heads = Heads(9, 2, 300, 300, at::kBFloat16).on(kGpu);
    gpu->forward(heads.q, heads.k, heads.v, training_in(at::kBFloat16, 0))
        .backward(normal({2, 300, 192}, 1).to(at::kBFloat16).to(kGpu));
    const std::vector<at::Tensor> now = {heads.q.grad(), heads.k.grad(), heads.v.grad()};
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(same_bits(first[i], now[i])) << i;
    first = now;
  }
}

/// Linears over one input, as the model computes them together.
struct Projections {
  std::vector<std::unique_ptr<LinearLayer>> layers;

  explicit Projections(const std::vector<std::int64_t>& outputs, const Values& values = {}) {
    int seed = 11;
    for (const std::int64_t count : outputs) {
      // Weights of different magnitudes share one encoding of x.
      layers.push_back(optical_linear(normal({count, 96}, seed, 0.02 * seed).to(kGpu), {}, values,
                                      "model.layers.0.self_attn." + std::to_string(seed)));
      ++seed;
    }
  }
  at::Tensor together(const at::Tensor& x, const ForwardContext& context) const {
    std::vector<LinearLayer*> all;
    for (const auto& layer : layers) all.push_back(layer.get());
    const JointOutput made = all.front()->joint_product(all, x, context);
    return made.is_made() ? made.take_values() : at::Tensor();
  }
  at::Tensor one_by_one(const at::Tensor& x, const ForwardContext& context) const {
    std::vector<at::Tensor> outputs;
    for (const auto& layer : layers) {
      outputs.push_back(layer->forward(x, context).reshape({-1, layer->weight().size(0)}));
    }
    return at::cat(outputs, 1).detach();
  }
};

TEST(OpticalCuda, LinearsOfOneInputComputedTogetherAreThoseComputedOneByOne) {
  SKIP_WITHOUT_GPU();
  for (const std::vector<std::int64_t>& outputs :
       {std::vector<std::int64_t>{192, 64, 64}, {256, 256}}) {
    const Projections joint(outputs), alone(outputs);
    for (std::int64_t step = 0; step < 4; ++step) {
      const at::Tensor x = normal({2, 40, 96}, 3 + step).to(at::kBFloat16).to(kGpu);
      const ForwardContext context = training_in(at::kBFloat16, step);
      at::Tensor y = joint.together(x, context);
      EXPECT_EQ(y.defined(), step > 0) << "the first pass makes the ranges";
      if (!y.defined()) y = joint.one_by_one(x, context);
      const at::Tensor expected = alone.one_by_one(x, context);
      std::int64_t column = 0;
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        SCOPED_TRACE(testing::Message() << "step " << step << ", layer " << i);
        LinearLayer& layer = *joint.layers[i];
        LinearLayer& other = *alone.layers[i];
        expect_same_levels(y.narrow(1, column, outputs[i]),
                           expected.narrow(1, column, outputs[i]).cpu(),
                           state_of(other, "out_min_max"), kShareHalf, at::kBFloat16);
        EXPECT_TRUE(same_bits(state_of(layer, "x_min_max"), state_of(other, "x_min_max")));
        EXPECT_TRUE(same_bits(state_of(layer, "w_min_max"), state_of(other, "w_min_max")));
        expect_close(state_of(layer, "out_min_max"), state_of(other, "out_min_max").cpu(), 1e-3);
        column += outputs[i];
      }
    }
  }
}

// What the statistics say of layers computed together is what they say of each alone on the CPU.
TEST(OpticalCuda, LinearsComputedTogetherMeasureWhatTheyDoAlone) {
  SKIP_WITHOUT_GPU();
  const std::vector<std::int64_t> outputs = {192, 64, 64};
  for (const std::int64_t levels : {16, 256, 1024}) {
    const Values values = {{"q_levels", levels}};
    const Projections joint(outputs, values), unmeasured(outputs, values);
    std::vector<std::unique_ptr<LinearLayer>> alone;
    for (const auto& layer : joint.layers) {
      alone.push_back(optical_linear(layer->weight().cpu(), {}, values, layer->name()));
    }
    for (std::int64_t step = 0; step < 3; ++step) {
      const at::Tensor x = normal({2, 40, 96}, 3 + step, 1 + step).to(at::kBFloat16).to(kGpu);
      ForwardContext context = training_in(at::kBFloat16, step);
      const at::Tensor expected = unmeasured.together(x, context);
      if (step == 0) unmeasured.one_by_one(x, context);
      context.measure = true;
      const at::Tensor y = joint.together(x, context);
      ASSERT_EQ(y.defined(), step > 0);
      if (step == 0) joint.one_by_one(x, context);
      if (step > 0) {
        EXPECT_TRUE(same_bits(y, expected));
      }
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        alone[i]->forward(x.cpu(), context);
        const auto actual = joint.layers[i]->statistics(), wanted = alone[i]->statistics();
        ASSERT_EQ(actual.size(), wanted.size());
        for (std::size_t j = 0; j < wanted.size(); ++j) {
          const double value = wanted[j].value.item<double>();
          const bool is_ratio = wanted[j].name == "sqnr_db";
          EXPECT_EQ(actual[j].name, wanted[j].name);
          EXPECT_NEAR(actual[j].value.item<double>(), value,
                      is_ratio ? 0.1 : 2e-3 * std::max(1.0, std::abs(value)))
              << levels << " levels, step " << step << ", layer " << i << ": " << wanted[j].name;
        }
      }
      EXPECT_GT(statistic(*joint.layers[0], "clamp_rate"), step == 0 ? -1 : 0.005);
    }
  }
}

TEST(OpticalCuda, LinearsThatSeeTheirInputDifferentlyComputeOneByOne) {
  SKIP_WITHOUT_GPU();
  const at::Tensor x = normal({2, 40, 96}, 3).to(at::kBFloat16).to(kGpu);
  const auto second_pass = [&](const Projections& layers) {
    const auto context = training_in(at::kBFloat16, 0);
    if (!layers.together(x, context).defined()) layers.one_by_one(x, context);
    return layers.together(x, training_in(at::kBFloat16, 1));
  };
  EXPECT_TRUE(second_pass(Projections({64, 64})).defined());
  EXPECT_FALSE(second_pass(Projections({64, 60})).defined()) << "not whole eights";
  EXPECT_FALSE(second_pass(Projections({64, 64}, {{"ste", std::string("clip")}})).defined());

  Projections other_options({64, 64});
  other_options.layers[1] =
      std::move(Projections({64, 64}, {{"q_levels", std::int64_t{64}}}).layers[1]);
  EXPECT_FALSE(second_pass(other_options).defined());

  const Projections loaded({64, 64});
  set_range(*loaded.layers[1], "x_min_max", -9, 9);
  EXPECT_FALSE(second_pass(loaded).defined()) << "the checkpoint's ranges of x differ";
  set_range(*loaded.layers[0], "x_min_max", -8, 8);
  set_range(*loaded.layers[1], "x_min_max", -8, 8);
  EXPECT_TRUE(loaded.together(x, training_in(at::kBFloat16, 2)).defined());
}

TEST(OpticalCuda, AnUnsetRangeInEvaluationIsAnErrorThatNamesTheLayerUntilStateIsLoaded) {
  SKIP_WITHOUT_GPU();
  const auto linear = linear_on(kGpu, normal({8, 16}, 1), {});
  const at::Tensor x = normal({1, 4, 16}, 2).to(kGpu);
  try {
    linear->forward(x, evaluation());
    FAIL() << "evaluated with ranges that were never set";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("model.layers.0.mlp.up_proj"), std::string::npos);
  }
  for (const char* name : {"x_min_max", "w_min_max", "out_min_max"}) {
    set_range(*linear, name, -3, 3);
  }
  EXPECT_TRUE(linear->forward(x, evaluation()).isfinite().all().item<bool>());
  const NoSynchronisation strict;
  linear->forward(x, evaluation());
}

TEST(OpticalCuda, ObservationsThatAreNotFiniteChangeNoRangeAndReachTheOutput) {
  SKIP_WITHOUT_GPU();
  const auto linear = linear_on(kGpu, normal({8, 16}, 1), {});
  at::Tensor x = normal({1, 4, 16}, 2).to(kGpu);
  linear->forward(x, training(0));
  const auto before = copy_of_state(*linear);
  x[0][2][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor y = linear->forward(x, training(1));
  EXPECT_TRUE(same_bits(state_of(*linear, "x_min_max"), before[0]));
  EXPECT_TRUE(same_bits(state_of(*linear, "out_min_max"), before[2]));
  EXPECT_TRUE(y[0][2].isnan().all().item<bool>());
  EXPECT_TRUE(y[0][1].isfinite().all().item<bool>());
  // Those of x and of its product, in every pass; in bf16 kernels of other steps count.
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    ForwardContext context = training_in(type, 2);
    context.measure = true;
    linear->forward(x.to(type), context);
    EXPECT_EQ(statistic(*linear, "refused_observations"), type == at::kFloat ? 4 : 6);
  }
}

TEST(OpticalCuda, StepsOfLayersNeverWaitForTheDevice) {
  SKIP_WITHOUT_GPU();
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const char* scope : {"causal", "full"}) {
      const Values values = {{"ste", std::string("clip")}, {"stats_scope", std::string(scope)}};
      const auto linear = linear_on(kGpu, normal({64, 96}, 1), normal({64}, 2), values);
      const auto attention = attention_on(kGpu, values);
      const Heads heads = Heads(1, 2, 70, 70, type).on(kGpu);
      at::Tensor x = normal({2, 70, 96}, 3).to(type).to(kGpu).set_requires_grad(true);
      const at::Tensor g = normal({2, 70, 64}, 4).to(type).to(kGpu);
      const at::Tensor h = normal({2, 70, 192}, 5).to(type).to(kGpu);
      const NoSynchronisation strict;
      for (std::int64_t step = 0; step < 20; ++step) {
        ForwardContext context = training_in(type, step);
        context.measure = step % 10 == 9;
        linear->forward(x, context).backward(g);
        attention->forward(heads.q, heads.k, heads.v, context).backward(h);
      }
    }
  }
}

TEST(OpticalCuda, AForwardPassCanBeCapturedInAGraph) {
  SKIP_WITHOUT_GPU();
  const at::NoGradGuard no_gradient;
  const auto linear = linear_on(kGpu, normal({192, 192}, 1, 0.1), normal({192}, 2));
  const auto attention = attention_on(kGpu);
  const Heads heads = Heads(1, 2, 70, 70, at::kBFloat16).on(kGpu);
  const auto both = [&](const ForwardContext& context) {
    return linear->forward(attention->forward(heads.q, heads.k, heads.v, context), context);
  };
  both(training_in(at::kBFloat16, 0));
  const auto state = copy_of_state(*linear);
  const auto restore = [&] {
    auto states = linear->simulation_state();
    for (std::size_t i = 0; i < state.size(); ++i) states[i].tensor.copy_(state[i]);
  };
  const at::Tensor eager = both(training_in(at::kBFloat16, 1));
  restore();
  linear->forward(eager, training_in(at::kBFloat16, 1));  // reads the restored ranges once
  restore();

  at::cuda::CUDAGraph graph;
  at::Tensor captured;
  const ForwardContext evaluation{.compute_dtype = at::kBFloat16};
  const at::Tensor expected = both(evaluation);
  {
    const c10::cuda::CUDAStream side = c10::cuda::getStreamFromPool();
    c10::cuda::getCurrentCUDAStream().synchronize();
    const c10::cuda::CUDAStreamGuard guard(side);
    both(evaluation);
    graph.capture_begin();
    captured = both(evaluation);
    graph.capture_end();
    captured.zero_();
    graph.replay();
    side.synchronize();
  }
  EXPECT_TRUE(same_bits(captured, expected));
}

std::int64_t peak_of(const std::function<void()>& work) {
  c10::cuda::CUDACachingAllocator::emptyCache();
  const auto bytes = [](bool peak) {
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(0).allocated_bytes[0];
    return peak ? stats.peak : stats.current;
  };
  c10::cuda::CUDACachingAllocator::resetPeakStats(0);
  const std::int64_t before = bytes(false);
  work();
  return bytes(true) - before;
}

TEST(OpticalCuda, MemoryOfAttentionGrowsLinearlyWithTheSequence) {
  SKIP_WITHOUT_GPU();
  const auto peak_at = [](std::int64_t keys) {
    const auto gpu = attention_on(kGpu);
    const Heads heads = Heads(1, 2, keys, keys, at::kBFloat16).on(kGpu);
    const at::Tensor g = normal({2, keys, 192}, 5).to(at::kBFloat16).to(kGpu);
    return peak_of([&] {
      gpu->forward(heads.q, heads.k, heads.v, training_in(at::kBFloat16, 0)).backward(g);
    });
  };
  peak_at(256);  // libraries' workspaces
  const std::int64_t at_4096 = peak_at(4096);
  const std::int64_t at_8192 = peak_at(8192);
  const std::int64_t at_16384 = peak_at(16384);
  EXPECT_LE(at_8192, 2.2 * at_4096);
  EXPECT_LE(at_16384, 2.2 * at_8192);
  // All scores of one pass alone would take this much.
  EXPECT_LT(at_16384, std::int64_t{2} * 6 * 16384 * 16384 * 4 / 8);
}

constexpr const char* kLinears = R"(
  model\.layers\.[0-9]+\.self_attn: null
  default: {q_levels: 256}
)";
constexpr const char* kAttention = R"(
  model\.layers\.[0-9]+\.self_attn: {q_levels: 256}
  default: null
)";
constexpr const char* kBoth = R"(
  default: {q_levels: 256}
)";

/// Three steps of a small model; the losses.
std::vector<double> losses(const std::string& rules, c10::Device device, c10::ScalarType type) {
  const tests::ScratchFolder folder;
  tests::write_tiny_llama(folder / "model", {.biases = true});
  const LlamaConfig config = read_llama_config(folder / "model/config.json");
  std::vector<std::string> notes;
  Llama model(config, load_weights(folder / "model", config, device, notes));
  const std::string text =
      "use_regex: true\nparadigm: optical_transformer\nlayer_name_to_config:" + rules;
  const TransformPlan plan =
      choose_transform(folder.write("transform.yaml", text).string(), {}, config).plan;
  apply_transform(model, plan, all_paradigms(), {});
  AdamW optimizer(model.parameters(), {});
  Trainer trainer(model, optimizer,
                  {.schedule = {.peak = 1e-3, .total_steps = 100}, .compute_dtype = type});
  std::vector<double> values;
  at::Generator generator = at::detail::createCPUGenerator(3);
  for (int step = 0; step < 3; ++step) {
    const at::Tensor ids =
        at::randint(257, {4, 48}, generator, at::TensorOptions().dtype(at::kLong));
    values.push_back(trainer.step({ids}).loss.item<double>());
  }
  return values;
}

TEST(OpticalCuda, ModelsTrainAsOnTheCpuWithLinearsOrAttentionOrBoth) {
  SKIP_WITHOUT_GPU();
  for (const char* rules : {kLinears, kAttention, kBoth}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(std::string(rules) + (type == at::kFloat ? "fp32" : "bf16"));
      const std::vector<double> cpu = losses(rules, at::kCPU, type);
      const std::vector<double> gpu = losses(rules, kGpu, type);
      for (std::size_t step = 0; step < cpu.size(); ++step) {
        EXPECT_NEAR(gpu[step], cpu[step], (type == at::kFloat ? 2e-3 : 1e-2) * cpu[step]) << step;
      }
    }
  }
}

TEST(OpticalCuda, AModelsForwardAndBackwardNeverWaitForTheDevice) {
  SKIP_WITHOUT_GPU();
  const tests::ScratchFolder folder;
  tests::write_tiny_llama(folder / "model", {});
  const LlamaConfig config = read_llama_config(folder / "model/config.json");
  std::vector<std::string> notes;
  Llama model(config, load_weights(folder / "model", config, kGpu, notes));
  const std::string text =
      std::string("use_regex: true\nparadigm: optical_transformer\nlayer_name_to_config:") + kBoth;
  const TransformPlan plan =
      choose_transform(folder.write("transform.yaml", text).string(), {}, config).plan;
  apply_transform(model, plan, all_paradigms(), {});
  const at::Tensor ids = at::randint(257, {4, 48}, at::kLong).to(kGpu);
  const auto step = [&](std::int64_t index) {
    next_token_loss(model, ids, training_in(at::kBFloat16, index), 1.0 / 188).loss.backward();
  };
  step(0);  // makes the rotary tables
  const NoSynchronisation strict;
  for (std::int64_t index = 1; index < 21; ++index) step(index);
}

}  // namespace
}  // namespace engine

#else
TEST(OpticalCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
