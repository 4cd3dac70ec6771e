// SPDX-License-Identifier: GPL-3.0-or-later
// What every compute paradigm must keep, run over all that are registered. A new paradigm writes no
// test to be here; its own tests cover its equations only.
#include "engine/config/transform_config.h"
#include "engine/model/attention_core.h"
#include "engine/model/linear_layer.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_info.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace engine;

constexpr AttentionShape kHeads{4, 2, 8, 0};

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator);
}

ForwardContext at_step(Phase phase, std::int64_t step, c10::ScalarType dtype = at::kFloat) {
  ForwardContext context;
  context.phase = phase;
  context.step = step;
  context.compute_dtype = dtype;
  return context;
}

/// A Linear or an attention behind one face: three inputs and the parameters in, one output out.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual at::Tensor forward(const ForwardContext& context,
                             const std::vector<at::Tensor>& inputs) = 0;
  virtual std::vector<NamedState> state() = 0;
  virtual std::vector<at::Tensor> parameters() { return {}; }
  /// Batch first; `dtype` of the activations.
  virtual std::vector<at::Tensor> inputs(std::int64_t batch, std::uint64_t seed) const = 0;
  virtual std::vector<std::int64_t> output_shape(std::int64_t batch) const = 0;
};

class LinearSubject final : public Subject {
 public:
  explicit LinearSubject(std::unique_ptr<LinearLayer> layer) : layer_(std::move(layer)) {}
  at::Tensor forward(const ForwardContext& context, const std::vector<at::Tensor>& x) override {
    return layer_->forward(x[0], context);
  }
  std::vector<NamedState> state() override { return layer_->simulation_state(); }
  std::vector<at::Tensor> parameters() override { return {layer_->weight(), layer_->bias()}; }
  std::vector<at::Tensor> inputs(std::int64_t batch, std::uint64_t seed) const override {
    return {normal({batch, 11, 33}, seed)};
  }
  std::vector<std::int64_t> output_shape(std::int64_t batch) const override {
    return {batch, 11, 17};
  }

 private:
  std::unique_ptr<LinearLayer> layer_;
};

class AttentionSubject final : public Subject {
 public:
  explicit AttentionSubject(std::unique_ptr<AttentionCore> layer) : layer_(std::move(layer)) {}
  at::Tensor forward(const ForwardContext& context, const std::vector<at::Tensor>& x) override {
    return layer_->forward(x[0], x[1], x[2], context);
  }
  std::vector<NamedState> state() override { return layer_->simulation_state(); }
  std::vector<at::Tensor> inputs(std::int64_t batch, std::uint64_t seed) const override {
    return {normal({batch, 4, 19, 8}, seed), normal({batch, 2, 19, 8}, seed + 1),
            normal({batch, 2, 19, 8}, seed + 2)};
  }
  std::vector<std::int64_t> output_shape(std::int64_t batch) const override {
    return {batch, 19, 32};
  }

 private:
  std::unique_ptr<AttentionCore> layer_;
};

struct Case {
  ParadigmInfo info;
  LayerKind kind;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.info.id << " " << to_string(c.kind); }

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const ParadigmInfo& info : paradigm_infos()) {
    for (const LayerKind kind : info.targets) {
      if (kind == LayerKind::linear || kind == LayerKind::attention) list.push_back({info, kind});
    }
  }
  return list;
}

std::shared_ptr<Paradigm> maker(const std::string& id) {
  for (const auto& paradigm : all_paradigms()) {
    if (paradigm->id() == id) return paradigm;
  }
  return nullptr;
}

class ParadigmConformance : public testing::TestWithParam<Case> {
 protected:
  const ParadigmInfo& info() const { return GetParam().info; }

  std::unique_ptr<Subject> plain() const {
    if (GetParam().kind == LayerKind::linear) {
      return std::make_unique<LinearSubject>(
          std::make_unique<PlainLinear>("model.layers.0.mlp.up_proj", weight(), bias()));
    }
    return std::make_unique<AttentionSubject>(
        std::make_unique<PlainAttention>("model.layers.0.self_attn", kHeads));
  }

  std::unique_ptr<Subject> transformed(std::uint64_t run_seed = 42,
                                       const ParamValues& given = {}) const {
    const ParamValues values = info().schema.effective(given);
    const std::shared_ptr<Paradigm> paradigm = maker(info().id);
    if (GetParam().kind == LayerKind::linear) {
      return std::make_unique<LinearSubject>(paradigm->replace(
          std::make_unique<PlainLinear>("model.layers.0.mlp.up_proj", weight(), bias()), values,
          {run_seed}));
    }
    return std::make_unique<AttentionSubject>(paradigm->replace(
        std::make_unique<PlainAttention>("model.layers.0.self_attn", kHeads), values, {run_seed}));
  }

  static at::Tensor weight() { return normal({17, 33}, 1).set_requires_grad(true); }
  static at::Tensor bias() { return normal({17}, 2).set_requires_grad(true); }

  static std::vector<at::Tensor> snapshot(Subject& subject) {
    std::vector<at::Tensor> copies;
    for (const NamedState& state : subject.state()) copies.push_back(state.tensor.clone());
    return copies;
  }

  static void restore(Subject& subject, const std::vector<at::Tensor>& copies) {
    const std::vector<NamedState> states = subject.state();
    ASSERT_EQ(states.size(), copies.size());
    for (std::size_t i = 0; i < copies.size(); ++i) states[i].tensor.copy_(copies[i]);
  }

  static void expect_same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i], b[i])) << i;
  }

  /// A layer that has seen two training steps, so that evaluation has what it needs.
  std::unique_ptr<Subject> trained(std::uint64_t run_seed = 42) const {
    auto subject = transformed(run_seed);
    for (int step = 0; step < 2; ++step)
      subject->forward(at_step(Phase::train, step), subject->inputs(3, 50 + step));
    return subject;
  }
};

TEST_P(ParadigmConformance, DefaultsSatisfyTheSchema) {
  const ParamValues defaults = info().schema.with_defaults({});
  EXPECT_EQ(defaults.entries().size(), info().schema.specs().size());
  EXPECT_TRUE(problems_in(info().schema, defaults).empty());
  for (const ParamSpec& spec : info().schema.specs()) {
    EXPECT_FALSE(spec.help_text.empty()) << spec.name << " has no help";
    EXPECT_FALSE(spec.label_text.empty()) << spec.name << " has no label";
  }
}

TEST_P(ParadigmConformance, DefaultsSurviveYaml) {
  std::string text = "paradigm: " + info().id + "\nlayer_name_to_config:\n  some_layer:\n";
  const ParamValues defaults = info().schema.with_defaults({});
  for (const PlacedValue& value : defaults.entries()) {
    text += "    " + value.name + ": " + to_string(value.value) + "\n";
  }
  const ParsedTransform parsed = parse_transform_config(text, "round-trip.yaml", paradigm_infos());
  for (const Problem& problem : parsed.problems)
    EXPECT_NE(problem.severity, Severity::error) << to_string(problem);
  ASSERT_EQ(parsed.config.rules.size(), 1u);
  EXPECT_TRUE(info().schema.with_defaults(parsed.config.rules[0].values).same_values(defaults))
      << text;
}

TEST_P(ParadigmConformance, AnUnknownKeyIsRefused) {
  ParamValues values;
  values.set("no_such_key", std::int64_t{1});
  EXPECT_TRUE(has_errors(problems_in(info().schema, values)));
  const std::string text =
      "paradigm: " + info().id + "\nlayer_name_to_config:\n  some_layer:\n    no_such_key: 1\n";
  EXPECT_TRUE(has_errors(parse_transform_config(text, "unknown.yaml", paradigm_infos()).problems));
}

TEST_P(ParadigmConformance, TheNeutralSettingIsThePlainLayerBitForBit) {
  ParamValues neutral;
  for (const ParamSpec& spec : info().schema.specs()) {
    if (spec.kind == ParamKind::boolean && spec.name.find("bypass") != std::string::npos)
      neutral.set(spec.name, true);
  }
  if (neutral.empty()) GTEST_SKIP() << info().id << " has no bypass";
  auto simulated = transformed(42, neutral);
  auto ordinary = plain();
  for (const Phase phase : {Phase::train, Phase::evaluate}) {
    const std::vector<at::Tensor> x = simulated->inputs(2, 5);
    EXPECT_TRUE(at::equal(simulated->forward(at_step(phase, 0), x),
                          ordinary->forward(at_step(phase, 0), x)));
  }
}

TEST_P(ParadigmConformance, ShapeAndDtypeAreKept) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    auto subject = transformed();
    for (const std::int64_t batch : {1, 3, 0}) {
      std::vector<at::Tensor> x = subject->inputs(batch, 5);
      for (at::Tensor& t : x) t = t.to(dtype);
      const at::Tensor y = subject->forward(at_step(Phase::train, 0, dtype), x);
      EXPECT_EQ(y.sizes(), subject->output_shape(batch));
      EXPECT_EQ(y.scalar_type(), dtype);
      EXPECT_TRUE(at::isfinite(y).all().item<bool>());
    }
  }
}

TEST_P(ParadigmConformance, GradientsExistAndAreFinite) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    auto subject = transformed();
    for (int step = 0; step < 2; ++step) {
      std::vector<at::Tensor> x = subject->inputs(2, 5);
      for (at::Tensor& t : x) t = t.to(dtype).set_requires_grad(true);
      subject->forward(at_step(Phase::train, step, dtype), x)
          .to(at::kFloat)
          .pow(2)
          .sum()
          .backward();
      for (const at::Tensor& p : subject->parameters()) x.push_back(p);
      for (const at::Tensor& t : x) {
        ASSERT_TRUE(t.grad().defined());
        EXPECT_EQ(t.grad().scalar_type(), t.scalar_type());
        EXPECT_TRUE(at::isfinite(t.grad()).all().item<bool>());
        EXPECT_GT(t.grad().abs().max().item<double>(), 0);
      }
    }
  }
}

TEST_P(ParadigmConformance, SameKeySameBitsOtherSeedOtherBits) {
  auto a = transformed(1), b = transformed(1), c = transformed(2);
  const std::vector<at::Tensor> x = a->inputs(3, 5);
  const at::Tensor first = a->forward(at_step(Phase::train, 0), x);
  EXPECT_TRUE(at::equal(first, b->forward(at_step(Phase::train, 0), x)));
  const bool is_stochastic =
      !at::equal(a->forward(at_step(Phase::train, 1), x), b->forward(at_step(Phase::train, 2), x));
  if (is_stochastic) {
    EXPECT_FALSE(at::equal(first, c->forward(at_step(Phase::train, 0), x)));
  }
}

TEST_P(ParadigmConformance, RecomputationGivesTheSameBitsAndChangesNoState) {
  auto subject = trained();
  const std::vector<at::Tensor> x = subject->inputs(3, 8);
  const at::Tensor y = subject->forward(at_step(Phase::train, 4), x);
  const std::vector<at::Tensor> before = snapshot(*subject);
  ForwardContext again = at_step(Phase::train, 4);
  again.recompute = true;
  EXPECT_TRUE(at::equal(y, subject->forward(again, x)));
  expect_same(before, snapshot(*subject));
}

TEST_P(ParadigmConformance, EvaluationChangesNoStateAndRepeats) {
  auto subject = trained();
  const std::vector<at::Tensor> before = snapshot(*subject);
  const std::vector<at::Tensor> x = subject->inputs(3, 8);
  const at::Tensor y = subject->forward(at_step(Phase::evaluate, 2), x);
  subject->forward(at_step(Phase::evaluate, 2), subject->inputs(3, 9));
  EXPECT_TRUE(at::equal(y, subject->forward(at_step(Phase::evaluate, 2), x)));
  expect_same(before, snapshot(*subject));
}

TEST_P(ParadigmConformance, AResumedLayerGoesOnBitForBit) {
  auto uninterrupted = trained();
  auto resumed = transformed();
  restore(*resumed, snapshot(*uninterrupted));
  for (int step = 2; step < 4; ++step) {
    const std::vector<at::Tensor> x = resumed->inputs(3, 60 + step);
    EXPECT_TRUE(at::equal(uninterrupted->forward(at_step(Phase::train, step), x),
                          resumed->forward(at_step(Phase::train, step), x)));
  }
  expect_same(snapshot(*uninterrupted), snapshot(*resumed));
}

TEST_P(ParadigmConformance, EvaluationDoesNotDependOnHowTheBatchIsSplit) {
  auto subject = trained();
  const std::vector<at::Tensor> x = subject->inputs(5, 8);
  const at::Tensor whole = subject->forward(at_step(Phase::evaluate, 2), x);
  for (const std::int64_t first : {1, 3}) {
    std::vector<at::Tensor> part;
    for (const at::Tensor& t : x) part.push_back(t.narrow(0, first, 5 - first));
    ForwardContext context = at_step(Phase::evaluate, 2);
    context.first_sequence = first;
    EXPECT_TRUE(at::equal(whole.narrow(0, first, 5 - first), subject->forward(context, part)));
  }
}

TEST_P(ParadigmConformance, ParametersAreTakenOverNotCopied) {
  if (GetParam().kind != LayerKind::linear) GTEST_SKIP() << "an attention has no parameters";
  const at::Tensor w = weight();
  const at::Tensor b = bias();
  const auto layer = maker(info().id)->replace(std::make_unique<PlainLinear>("lm_head", w, b),
                                               info().schema.effective({}), {42});
  EXPECT_TRUE(layer->weight().is_same(w));
  EXPECT_TRUE(layer->bias().is_same(b));
  EXPECT_EQ(layer->name(), "lm_head");
  EXPECT_TRUE(layer->is_transformed());
}

TEST_P(ParadigmConformance, StateIsFp32NamedOnceAndChangedInPlace) {
  auto subject = transformed();
  const std::vector<NamedState> before = subject->state();
  subject->forward(at_step(Phase::train, 0), subject->inputs(2, 5));
  const std::vector<NamedState> after = subject->state();
  ASSERT_EQ(before.size(), after.size());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(before[i].tensor.is_same(after[i].tensor)) << before[i].name;
    EXPECT_EQ(before[i].tensor.scalar_type(), at::kFloat) << before[i].name;
    names.push_back(before[i].name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST_P(ParadigmConformance, TheGlobalGeneratorIsUntouched) {
  const at::Tensor before = at::detail::getDefaultCPUGenerator().get_state();
  auto subject = trained();
  EXPECT_TRUE(at::equal(before, at::detail::getDefaultCPUGenerator().get_state()));
}

INSTANTIATE_TEST_SUITE_P(Every, ParadigmConformance, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& tested) {
                           return tested.param.info.id + "_" + to_string(tested.param.kind);
                         });

TEST(ParadigmList, InfosAndMakersAgree) {
  const std::vector<ParadigmInfo> infos = paradigm_infos();
  ASSERT_FALSE(infos.empty());
  EXPECT_EQ(infos.size(), all_paradigms().size());
  for (const ParadigmInfo& info : infos) EXPECT_NE(maker(info.id), nullptr) << info.id;
}

}  // namespace
