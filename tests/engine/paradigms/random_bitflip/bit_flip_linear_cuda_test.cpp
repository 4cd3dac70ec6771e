// SPDX-License-Identifier: GPL-3.0-or-later
// The layer on CUDA sees the very operands that it sees on the CPU.
#include "engine/model/linear_layer.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_info.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace {

using namespace engine;

struct Result {
  at::Tensor y, dx, dw;
};

Result run(at::Device device, c10::ScalarType dtype, bool with_threshold, const char* storage) {
  ParamValues values;
  for (const char* name : {"x_p_exp", "x_p_frac", "w_p_exp", "w_p_frac"}) values.set(name, 0x1p-12);
  if (with_threshold) {
    values.set("x_zero_out_t", 30.0);
    values.set("w_zero_out_t", 1.25);
  }
  if (storage != nullptr) values.set("storage_dtype", std::string(storage));
  const auto infos = paradigm_infos();
  const ParamValues effective = find_paradigm(infos, "random_bitflip")->schema.effective(values);
  at::Generator generator = at::detail::createCPUGenerator(3);
  // One row of the identity at a time in both directions, so that results are the operands.
  at::Tensor w = at::eye(96).to(device).set_requires_grad(true);
  at::Tensor x = at::randn({2, 48, 96}, generator).to(dtype).to(device).set_requires_grad(true);
  std::unique_ptr<LinearLayer> layer;
  for (const auto& paradigm : all_paradigms()) {
    if (paradigm->id() != "random_bitflip") continue;
    layer = paradigm->replace(std::make_unique<PlainLinear>("lm_head", w, at::Tensor()), effective,
                              {.run_seed = 42, .device = device});
  }
  ForwardContext context;
  context.phase = Phase::train;
  context.step = 5;
  context.compute_dtype = dtype;
  const at::Tensor y = layer->forward(x, context);
  y.backward(at::eye(96).reshape({2, 48, 96}).to(dtype).to(device));
  const auto host = [](const at::Tensor& t) { return t.detach().cpu().to(at::kFloat); };
  return {host(y), host(x.grad()), host(w.grad())};
}

TEST(BitFlipLinearCuda, OperandsAndStoppedGradientsAreThoseOfTheCpu) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const bool with_threshold : {true, false}) {
      for (const char* storage : {static_cast<const char*>(nullptr), "fp16"}) {
        const Result cpu = run(at::kCPU, dtype, with_threshold, storage);
        const Result cuda = run(at::kCUDA, dtype, with_threshold, storage);
        // The weight's own flips mix columns, and without a threshold 0 times infinity is NaN: sums
        // may round differently, but the gradients are single operands.
        EXPECT_TRUE(at::allclose(cpu.y, cuda.y, 1e-2, 1e-3, /*equal_nan=*/true));
        // A processor's bf16 product may take a subnormal operand as 0.
        constexpr double kLeastNormal = 1.2e-38;
        EXPECT_TRUE(at::allclose(cpu.dx, cuda.dx, 0, kLeastNormal, true));
        EXPECT_TRUE(at::allclose(cpu.dw, cuda.dw, 0, kLeastNormal, true));
      }
    }
  }
}

}  // namespace
