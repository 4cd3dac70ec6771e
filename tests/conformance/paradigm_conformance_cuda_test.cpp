// SPDX-License-Identifier: GPL-3.0-or-later
// The same promises on a CUDA device, and that both devices compute the same.
#include "engine/conformance/paradigm_conformance.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/rand_like.h>

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace engine {

void PrintTo(const ConformanceCase& subject, std::ostream* out) {
  *out << subject.info.id << " " << to_string(subject.kind);
}

namespace {

using Outcome = ConformanceResult::Outcome;

/// Two orders of summation may move a read-out by one level: at most this share of the elements,
/// none of them further than a few levels of 256.
constexpr double kShareApart = 0.01;
constexpr double kLargestDistance = 0.05;

std::shared_ptr<const Paradigm> maker(const std::string& id) {
  for (const auto& paradigm : all_paradigms())
    if (paradigm->id() == id) return paradigm;
  return nullptr;
}

std::vector<ConformanceCase> built_in(at::Device device) {
  std::vector<ConformanceCase> all;
  for (const ParadigmInfo& info : paradigm_infos())
    for (const ConformanceCase& each : conformance_cases(info, maker(info.id), device))
      all.push_back(each);
  return all;
}

class ParadigmConformanceCuda : public testing::TestWithParam<ConformanceCase> {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  }
};

TEST_P(ParadigmConformanceCuda, EveryPromiseIsKept) {
  for (const ConformanceResult& result : check_conformance(GetParam()))
    EXPECT_NE(result.outcome, Outcome::broken) << result.check << ": " << result.reason;
}

TEST_P(ParadigmConformanceCuda, BothDevicesComputeTheSame) {
  ConformanceCase on_cpu = GetParam();
  on_cpu.device = at::kCPU;
  const DeviceDifference difference = difference_between(on_cpu, GetParam());
  EXPECT_LE(difference.share_apart, kShareApart);
  EXPECT_LE(difference.largest, kLargestDistance);
}

/// Draws from the device's own generator.
class Drawing final : public Paradigm {
 public:
  std::string id() const override { return "drawing"; }
  std::unique_ptr<LinearLayer> replace(std::unique_ptr<LinearLayer> original, const ParamValues&,
                                       const ReplaceContext&) const override {
    return std::make_unique<Layer>(std::move(original));
  }

 private:
  class Layer final : public LinearLayer {
   public:
    explicit Layer(std::unique_ptr<LinearLayer> original)
        : LinearLayer(original->name(), original->weight(), original->bias()),
          original_(std::move(original)) {}
    at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override {
      const at::Tensor y = original_->forward(x, context);
      return y + at::rand_like(y);
    }

   private:
    std::unique_ptr<LinearLayer> original_;
  };
};

TEST(ConformanceChecksCuda, FindWhoDrawsFromTheDevicesGenerator) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  const ParadigmInfo info{.id = "drawing",
                          .title = "Drawing",
                          .summary = "",
                          .key_prefixes = {},
                          .targets = {LayerKind::linear},
                          .schema = {}};
  const ConformanceCase subject =
      conformance_cases(info, std::make_shared<Drawing>(), at::Device(at::kCUDA, 0)).at(0);
  EXPECT_EQ(check_conformance(subject, "TheGlobalGeneratorIsUntouched").outcome, Outcome::broken);
}

INSTANTIATE_TEST_SUITE_P(Every, ParadigmConformanceCuda,
                         testing::ValuesIn(built_in(at::Device(at::kCUDA, 0))),
                         [](const testing::TestParamInfo<ConformanceCase>& tested) {
                           return tested.param.info.id + "_" + to_string(tested.param.kind);
                         });

}  // namespace
}  // namespace engine
