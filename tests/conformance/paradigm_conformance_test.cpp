// SPDX-License-Identifier: GPL-3.0-or-later
// What every compute paradigm must keep (engine/conformance), run over all that are built in. A new
// paradigm writes no test to be here; its own tests cover its equations only.
#include "engine/conformance/paradigm_conformance.h"

#include "engine/error.h"
#include "engine/transform/paradigm_probe.h"

#include <ATen/ATen.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

namespace engine {

void PrintTo(const ConformanceCase& subject, std::ostream* out) {
  *out << subject.info.id << " " << to_string(subject.kind);
}

namespace {

using Outcome = ConformanceResult::Outcome;

std::shared_ptr<const Paradigm> maker(const std::string& id) {
  for (const auto& paradigm : all_paradigms())
    if (paradigm->id() == id) return paradigm;
  return nullptr;
}

std::vector<ConformanceCase> built_in() {
  std::vector<ConformanceCase> all;
  for (const ParadigmInfo& info : paradigm_infos())
    for (const ConformanceCase& each : conformance_cases(info, maker(info.id))) all.push_back(each);
  return all;
}

class ParadigmConformance
    : public testing::TestWithParam<std::tuple<ConformanceCase, std::string>> {};

TEST_P(ParadigmConformance, IsKept) {
  const auto& [subject, check] = GetParam();
  const ConformanceResult result = check_conformance(subject, check);
  if (result.outcome == Outcome::not_applicable) GTEST_SKIP() << result.reason;
  EXPECT_EQ(result.outcome, Outcome::kept) << result.promise << ": " << result.reason;
}

INSTANTIATE_TEST_SUITE_P(Every, ParadigmConformance,
                         testing::Combine(testing::ValuesIn(built_in()),
                                          testing::ValuesIn(conformance_checks())),
                         [](const testing::TestParamInfo<ParadigmConformance::ParamType>& tested) {
                           const ConformanceCase& subject = std::get<0>(tested.param);
                           return subject.info.id + "_" + to_string(subject.kind) + "_" +
                                  std::get<1>(tested.param);
                         });

TEST(ParadigmList, InfosAndMakersAgree) {
  const std::vector<ParadigmInfo> infos = paradigm_infos();
  ASSERT_FALSE(infos.empty());
  EXPECT_EQ(infos.size(), all_paradigms().size());
  for (const ParadigmInfo& info : infos) EXPECT_NE(maker(info.id), nullptr) << info.id;
}

/// Wraps a plain layer and breaks one promise.
enum class Fault {
  none,
  frozen_noise,
  shared_by_seeds,
  shared_by_steps,
  shared_by_micro_steps,
  counts_rows,
  learns_in_evaluation,
  copies_weight,
  drops_gradient,
  throws
};

class FaultyLinear final : public LinearLayer {
 public:
  FaultyLinear(std::unique_ptr<LinearLayer> original, Fault fault, std::uint64_t seed)
      : LinearLayer(original->name(),
                    fault == Fault::copies_weight ? original->weight().detach().clone()
                                                  : original->weight(),
                    original->bias()),
        original_(std::move(original)),
        fault_(fault),
        seed_(fault == Fault::shared_by_seeds ? 0 : seed),
        seen_(at::zeros({1})) {}
  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override {
    if (fault_ == Fault::throws) fail("broken", {}, "the device is on fire");
    const bool may_learn = context.phase == Phase::train && !context.recompute;
    if (may_learn || fault_ == Fault::learns_in_evaluation) seen_.add_(1);
    at::Tensor y = original_->forward(x, context);
    if (fault_ == Fault::drops_gradient) y = y.detach() + x.sum() * 0;
    // A "noise" that is a function of key, step, micro-step and sequence, as it must be.
    const std::int64_t own_step = fault_ == Fault::shared_by_steps ? 0 : context.step;
    const bool has_micro_steps =
        fault_ != Fault::shared_by_steps && fault_ != Fault::shared_by_micro_steps;
    const double step =
        static_cast<double>(own_step * 8 + (has_micro_steps ? context.micro_step : 0));
    const double row = fault_ == Fault::counts_rows ? 0 : double(context.first_sequence);
    at::Tensor noise = at::arange(x.size(0), at::kDouble)
                           .add(row)
                           .mul(0.37)
                           .add(static_cast<double>(seed_) * 0.11 + step * 0.7);
    if (fault_ == Fault::frozen_noise) noise = at::full({x.size(0)}, calls_++, at::kDouble);
    return y + noise.sin().view({-1, 1, 1}).to(y.scalar_type());
  }
  std::vector<NamedState> simulation_state() override { return {{"seen", seen_}}; }

 private:
  std::unique_ptr<LinearLayer> original_;
  Fault fault_;
  std::uint64_t seed_;
  at::Tensor seen_;
  double calls_ = 0;
};

class Faulty final : public Paradigm {
 public:
  explicit Faulty(Fault fault, bool draws_once = false) : fault_(fault), draws_once_(draws_once) {}
  std::string id() const override { return "faulty"; }
  std::unique_ptr<LinearLayer> replace(std::unique_ptr<LinearLayer> original, const ParamValues&,
                                       const ReplaceContext& context) const override {
    return std::make_unique<FaultyLinear>(std::move(original), fault_, context.run_seed);
  }
  std::unique_ptr<ParadigmProbe> probe() const override {
    struct Probe final : ParadigmProbe {
      explicit Probe(bool draws_once) : draws_once_(draws_once) {}
      bool draws_once_per_run(LayerKind) const override { return draws_once_; }
      bool draws_once_;
    };
    return std::make_unique<Probe>(draws_once_);
  }

 private:
  Fault fault_;
  bool draws_once_;
};

/// Names of the checks that find something.
std::vector<std::string> broken_by(Fault fault, bool draws_once = false) {
  const ParadigmInfo info{.id = "faulty",
                          .title = "Faulty",
                          .summary = "",
                          .key_prefixes = {},
                          .targets = {LayerKind::linear},
                          .schema = {}};
  std::vector<std::string> names;
  for (const ConformanceCase& subject :
       conformance_cases(info, std::make_shared<Faulty>(fault, draws_once)))
    for (const ConformanceResult& result : check_conformance(subject))
      if (result.outcome == Outcome::broken) names.push_back(result.check);
  return names;
}

TEST(ConformanceChecks, FindTheFaultThatIsThere) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(broken_by(Fault::none), Names{});
  EXPECT_EQ(broken_by(Fault::shared_by_seeds), Names{"SameKeySameBits"});
  EXPECT_EQ(broken_by(Fault::shared_by_steps), Names{"SameKeySameBits"});
  EXPECT_EQ(broken_by(Fault::shared_by_micro_steps), Names{"SameKeySameBits"});
  EXPECT_EQ(broken_by(Fault::counts_rows), Names{"BatchSplitChangesNothing"});
  EXPECT_EQ(broken_by(Fault::learns_in_evaluation),
            (Names{"RecomputationIsExact", "EvaluationChangesNoState"}));
  EXPECT_EQ(broken_by(Fault::drops_gradient), Names{"GradientsExistAndAreFinite"});
  const Names copies = broken_by(Fault::copies_weight);
  EXPECT_NE(std::find(copies.begin(), copies.end(), "ParametersAreTakenOver"), copies.end());
  const Names frozen = broken_by(Fault::frozen_noise);
  for (const char* check : {"RecomputationIsExact", "EvaluationChangesNoState", "AResumeIsExact"})
    EXPECT_NE(std::find(frozen.begin(), frozen.end(), check), frozen.end()) << check;
}

TEST(ConformanceChecks, OnePatternForTheRunIsKeptWhereItIsDeclared) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(broken_by(Fault::shared_by_steps, true), Names{});
  EXPECT_EQ(broken_by(Fault::shared_by_seeds, true), Names{"SameKeySameBits"});
}

TEST(ConformanceChecks, AnExceptionIsABrokenPromiseWithItsMessage) {
  const ParadigmInfo info{.id = "faulty",
                          .title = "Faulty",
                          .summary = "",
                          .key_prefixes = {},
                          .targets = {LayerKind::linear},
                          .schema = {}};
  const ConformanceCase subject =
      conformance_cases(info, std::make_shared<Faulty>(Fault::throws)).at(0);
  const ConformanceResult result = check_conformance(subject, "ShapeAndDtypeAreKept");
  EXPECT_EQ(result.outcome, Outcome::broken);
  EXPECT_NE(result.reason.find("the device is on fire"), std::string::npos);
  EXPECT_THROW(check_conformance(subject, "NoSuchCheck"), Error);
}

}  // namespace
}  // namespace engine
