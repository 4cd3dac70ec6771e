// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/probe.h"

#include "engine/checkpoint/safetensors_file.h"
#include "engine/config/transform_config.h"
#include "engine/data/number_file.h"
#include "engine/error.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_info.h"
#include "tests/support/scratch_folder.h"

#include <ATen/ATen.h>

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace engine;
using tests::ScratchFolder;

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator);
}

at::Tensor tensor_of(const std::vector<float>& values) {
  return at::tensor(at::ArrayRef<float>(values.data(), values.size()));
}

std::string dtype_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kHalf) return "F16";
  if (tensor.scalar_type() == at::kDouble) return "F64";
  return tensor.scalar_type() == at::kBFloat16 ? "BF16" : "F32";
}

class ProbeTest : public testing::Test {
 protected:
  ProbeTest() {
    config_.paradigm = "optical_transformer";
    config_.input = (scratch_ / "in.safetensors").string();
    config_.output = (scratch_ / "out.safetensors").string();
  }

  static void store(const std::string& file, const std::map<std::string, at::Tensor>& tensors) {
    std::vector<TensorToWrite> list;
    std::vector<at::Tensor> kept;
    for (const auto& [name, tensor] : tensors) {
      kept.push_back(tensor.contiguous());
      const auto* bytes = static_cast<const std::byte*>(kept.back().const_data_ptr());
      list.push_back({name, dtype_of(tensor), tensor.sizes().vec(), {bytes, kept.back().nbytes()}});
    }
    write_safetensors(file, list);
  }

  ProbeReport run(ProbeOperation operation, const std::map<std::string, at::Tensor>& tensors) {
    config_.operation = operation;
    store(config_.input, tensors);
    return probe(config_, {});
  }

  at::Tensor y() const {
    const NumberArray array = read_number_file(config_.output, "y");
    return at::tensor(at::ArrayRef<double>(array.values)).reshape(array.shape);
  }

  at::Tensor computed(ProbeOperation operation, const std::map<std::string, at::Tensor>& tensors) {
    run(operation, tensors);
    return y();
  }

  std::string complaint(ProbeOperation operation,
                        const std::map<std::string, at::Tensor>& tensors) {
    try {
      run(operation, tensors);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  void set(const std::string& name, const std::string& value) {
    config_.params.emplace_back(name, value);
  }
  void fine_and_quiet() {
    set("q_levels", "65536");
    set("noise", "false");
    set("q_lut_min", "null");
  }

  ScratchFolder scratch_;
  ProbeConfig config_;
};

const std::map<std::string, at::Tensor>& linear_inputs() {
  static const std::map<std::string, at::Tensor> inputs = {
      {"x", normal({3, 7, 20}, 1)}, {"weight", normal({12, 20}, 2)}, {"bias", normal({12}, 3)}};
  return inputs;
}

TEST_F(ProbeTest, ALinearIsTheLayerThatTrains) {
  config_.layer = "model.layers.3.mlp.up_proj";
  config_.step = 17;
  config_.seed = 5;
  set("q_levels", "64");
  const ProbeReport report = run(ProbeOperation::linear, linear_inputs());

  ParamValues given;
  given.set("q_levels", std::int64_t{64});
  const auto infos = paradigm_infos();
  const ParamValues values = find_paradigm(infos, "optical_transformer")->schema.effective(given);
  for (const auto& paradigm : all_paradigms()) {
    if (paradigm->id() != "optical_transformer") continue;
    const auto layer =
        paradigm->replace(std::make_unique<PlainLinear>(config_.layer, linear_inputs().at("weight"),
                                                        linear_inputs().at("bias")),
                          values, {5});
    ForwardContext context;
    context.phase = Phase::train;
    context.step = 17;
    const at::Tensor trained = layer->forward(linear_inputs().at("x"), context);
    EXPECT_TRUE(at::equal(y(), trained.to(at::kDouble)));
  }
  EXPECT_EQ(report.output.shape, (std::vector<std::int64_t>{3, 7, 12}));
  ASSERT_EQ(report.ranges.size(), 3u);
  EXPECT_FALSE(report.ranges[0].is_given);
  EXPECT_FLOAT_EQ(static_cast<float>(report.ranges[0].high),
                  linear_inputs().at("x").max().item<float>());
}

TEST_F(ProbeTest, DefaultsThatDependOnOtherValuesAreThoseOfARule) {
  set("semantics", "reference");
  const ProbeReport report = run(ProbeOperation::linear, linear_inputs());
  EXPECT_EQ(report.values.get("q_quantiles"), ParamValue(RealPair(0.001, 0.999)));
  EXPECT_LT(report.ranges[0].high, linear_inputs().at("x").max().item<float>());
  const std::map<std::string, at::Tensor> attention = {{"q", normal({1, 2, 9, 8}, 1)},
                                                       {"k", normal({1, 2, 9, 8}, 2)},
                                                       {"v", normal({1, 2, 9, 8}, 3)}};
  EXPECT_EQ(run(ProbeOperation::attention, attention).values.get("q_quantiles"), ParamValue(unset));
  set("q_quantiles", "null");
  EXPECT_EQ(run(ProbeOperation::linear, linear_inputs()).values.get("q_quantiles"),
            ParamValue(unset));
}

TEST_F(ProbeTest, DrawsAreSuccessiveSteps) {
  config_.repeat = 3;
  config_.step = 4;
  const at::Tensor all = computed(ProbeOperation::linear, linear_inputs());
  ASSERT_EQ(all.sizes(), (std::vector<std::int64_t>{3, 3, 7, 12}));
  EXPECT_FALSE(at::equal(all[0], all[1]));
  config_.repeat = std::nullopt;
  config_.step = 6;
  EXPECT_TRUE(at::equal(computed(ProbeOperation::linear, linear_inputs()), all[2]));
  config_.layer = "another";
  EXPECT_FALSE(at::equal(computed(ProbeOperation::linear, linear_inputs()), all[2]));
}

TEST_F(ProbeTest, ErrorsAreThoseOfTheOutputs) {
  config_.repeat = 2;
  const ProbeReport report = run(ProbeOperation::linear, linear_inputs());
  const auto as_double = [](const char* name) { return linear_inputs().at(name).to(at::kDouble); };
  const at::Tensor exact = at::linear(as_double("x"), as_double("weight"), as_double("bias"));
  const at::Tensor error = y().sub(exact);
  EXPECT_EQ(report.error.count, 2 * 3 * 7 * 12);
  EXPECT_NEAR(report.error.mean, error.mean().item<double>(), 1e-12);
  EXPECT_NEAR(report.error.standard_deviation, error.std(false).item<double>(), 1e-12);
  EXPECT_NEAR(report.error.largest, error.abs().max().item<double>(), 1e-12);
  const double ratio =
      2 * exact.square().sum().item<double>() / error.square().sum().item<double>();
  EXPECT_NEAR(report.error.sqnr_db, 10 * std::log10(ratio), 1e-9);
}

TEST_F(ProbeTest, GivenRangesStay) {
  config_.ranges = {{"x", {-1, 1}}, {"out", {-2, 2}}};
  config_.repeat = 5;
  const ProbeReport report =
      run(ProbeOperation::linear, {{"x", normal({50, 20}, 1)}, {"weight", normal({12, 20}, 2)}});
  EXPECT_EQ(y().abs().max().item<double>(), 2);
  EXPECT_TRUE(report.ranges[0].is_given);
  EXPECT_EQ(report.ranges[0].high, 1);
  EXPECT_FALSE(report.ranges[1].is_given);
  EXPECT_EQ(report.ranges[2].low, -2);
}

TEST_F(ProbeTest, ATensorIsOneOperandAsItEntersTheProduct) {
  config_.ranges = {{"x", {-1, 1}}};
  const at::Tensor x = tensor_of({-0.5f, -0.01f, 0.0f, 0.01f, 0.5f});
  const auto expect_near = [](const at::Tensor& got, const std::vector<float>& wanted) {
    EXPECT_TRUE(at::allclose(got, tensor_of(wanted).to(at::kDouble), 0, 1e-7)) << got;
  };
  expect_near(computed(ProbeOperation::tensor, {{"x", x}}),
              {-0.4980392f, -0.0117647f, 0.0039216f, 0.0117648f, 0.4980392f});
  config_.role = "weight";
  expect_near(computed(ProbeOperation::tensor, {{"x", x}}),
              {-0.4980392f, -0.02004f, 0.02004f, 0.02004f, 0.4980392f});
  config_.role = "probabilities";
  config_.ranges.clear();
  expect_near(computed(ProbeOperation::tensor, {{"x", tensor_of({0.0f, 0.0019f, 1.0f})}}),
              {0, 0, 1});
}

TEST_F(ProbeTest, AMatmulIsALinearWithTheSecondOperandTransposed) {
  const at::Tensor a = normal({5, 6, 20}, 1), b = normal({20, 9}, 2);
  const at::Tensor product = computed(ProbeOperation::matmul, {{"a", a}, {"b", b}});
  EXPECT_TRUE(at::equal(product, computed(ProbeOperation::linear, {{"x", a}, {"weight", b.t()}})));
}

TEST_F(ProbeTest, MatricesOfABatchShareRangesAndNoNoise) {
  at::Tensor a = normal({2, 3, 6, 20}, 1), b = normal({3, 20, 9}, 2);
  b[1].mul_(3);
  const ProbeReport report = run(ProbeOperation::matmul, {{"a", a}, {"b", b}});
  EXPECT_EQ(report.output.shape, (std::vector<std::int64_t>{2, 3, 6, 9}));
  EXPECT_FLOAT_EQ(static_cast<float>(report.ranges[1].high), b.max().item<float>());
  EXPECT_FLOAT_EQ(static_cast<float>(report.ranges[0].low), a.min().item<float>());
  EXPECT_GT(report.error.sqnr_db, 25);
  // Every matrix lies on the levels of the one read-out range.
  const double level = (report.ranges[2].high - report.ranges[2].low) / 255;
  const at::Tensor codes = y().sub(report.ranges[2].low).div(level);
  EXPECT_LT(codes.sub(codes.round()).abs().max().item<double>(), 1e-3);
  // The same matrix twice is read out with other noise.
  const at::Tensor twice = at::stack({b[0], b[0]});
  const at::Tensor y2 = computed(ProbeOperation::matmul, {{"a", a[0][0]}, {"b", twice}});
  EXPECT_FALSE(at::equal(y2[0], y2[1]));
}

TEST_F(ProbeTest, FineLevelsWithoutNoiseGiveTheExactProduct) {
  fine_and_quiet();
  EXPECT_GT(run(ProbeOperation::linear, linear_inputs()).error.sqnr_db, 80);
  EXPECT_GT(run(ProbeOperation::matmul, {{"a", normal({4, 5, 8}, 1)}, {"b", normal({4, 8, 3}, 2)}})
                .error.sqnr_db,
            80);
  const std::map<std::string, at::Tensor> attention = {{"q", normal({2, 4, 9, 8}, 1)},
                                                       {"k", normal({2, 2, 9, 8}, 2)},
                                                       {"v", normal({2, 2, 9, 8}, 3)}};
  EXPECT_GT(run(ProbeOperation::attention, attention).error.sqnr_db, 60);
  EXPECT_EQ(y().sizes(), (std::vector<std::int64_t>{2, 4, 9, 8}));
  config_.causal = false;
  EXPECT_GT(run(ProbeOperation::attention, attention).error.sqnr_db, 60);
}

TEST_F(ProbeTest, TheMaskIsWhatCausalSays) {
  fine_and_quiet();
  config_.ranges = {{"k", {-5, 5}}, {"v", {-5, 5}}, {"qk", {-50, 50}}, {"out", {-5, 5}}};
  std::map<std::string, at::Tensor> inputs = {{"q", normal({1, 2, 6, 8}, 1)},
                                              {"k", normal({1, 2, 6, 8}, 2)},
                                              {"v", normal({1, 2, 6, 8}, 3)}};
  const auto first_rows = [&] {
    return computed(ProbeOperation::attention, inputs).slice(2, 0, 5);
  };
  const at::Tensor causal = first_rows();
  config_.causal = false;
  const at::Tensor full = first_rows();
  inputs["v"].select(2, 5).fill_(2);
  EXPECT_FALSE(at::equal(first_rows(), full));
  config_.causal = true;
  EXPECT_TRUE(at::equal(first_rows(), causal));
}

TEST_F(ProbeTest, HalfPrecisionStaysHalf) {
  for (const auto dtype : {at::kHalf, at::kBFloat16}) {
    const ProbeReport report = run(ProbeOperation::linear, {{"x", normal({4, 20}, 1).to(dtype)},
                                                            {"weight", normal({12, 20}, 2)}});
    EXPECT_EQ(report.output.dtype, dtype == at::kHalf ? "F16" : "BF16");
    EXPECT_GT(report.error.sqnr_db, 25);
  }
}

TEST_F(ProbeTest, BadInputIsNamed) {
  const auto expect = [this](const std::string& text, const std::vector<std::string>& words) {
    EXPECT_FALSE(text.empty());
    for (const std::string& word : words)
      EXPECT_NE(text.find(word), std::string::npos) << word << " is not in: " << text;
    EXPECT_FALSE(std::filesystem::exists(config_.output));
  };
  const at::Tensor x = normal({4, 20}, 1), weight = normal({12, 20}, 2);
  expect(complaint(ProbeOperation::linear, {{"x", x}, {"w", weight}}),
         {"in.safetensors", "\"weight\"", "It holds: w, x"});
  expect(complaint(ProbeOperation::linear, {{"x", x}, {"weight", weight.t()}}),
         {"[4, 20]", "[20, 12]", "weight [out, in]"});
  expect(complaint(ProbeOperation::linear, {{"x", x}, {"weight", weight}, {"bias", x}}),
         {"bias [4, 20]"});
  expect(complaint(ProbeOperation::linear, {{"x", x.to(at::kDouble)}, {"weight", weight}}),
         {"F64", "F32, BF16 or F16"});
  expect(complaint(ProbeOperation::matmul, {{"a", x}, {"b", weight}}), {"a [4, 20]", "b [12, 20]"});
  expect(
      complaint(ProbeOperation::matmul, {{"a", normal({2, 4, 5}, 1)}, {"b", normal({3, 5, 2}, 2)}}),
      {"leading dimensions"});
  expect(complaint(ProbeOperation::attention, {{"q", x}, {"k", x}, {"v", x}}), {"[B, H, S_q, D]"});

  const std::map<std::string, at::Tensor> good = {{"x", x}, {"weight", weight}};
  config_.ranges = {{"wieght", {-1, 1}}};
  expect(complaint(ProbeOperation::linear, good), {"no range wieght", "Did you mean weight?"});
  config_.ranges = {{"x", {1, -1}}};
  expect(complaint(ProbeOperation::linear, good), {"low < high"});
  config_.ranges.clear();
  set("q_level", "4");
  expect(complaint(ProbeOperation::linear, good), {"q_level", "Did you mean q_levels?"});
  config_.params = {{"q_levels", "1"}};
  expect(complaint(ProbeOperation::linear, good), {"q_levels is 1", "[2, 65536]"});
  config_.params.clear();
  config_.role = "wight";
  expect(complaint(ProbeOperation::tensor, good), {"wight", "Did you mean weight?"});
  config_.role = "x";
  config_.paradigm = "optical_transformr";
  expect(complaint(ProbeOperation::linear, good), {"optical_transformr"});
  config_.paradigm = "optical_transformer";
  config_.output = (scratch_ / "no/such/folder/out.safetensors").string();
  expect(complaint(ProbeOperation::linear, good), {"no folder", "no/such", "Create it"});
}

/// Readings that a fictitious hardware gave: gain and offset on outputs of the paradigm itself.
class MeasuredProbe : public ProbeTest {
 protected:
  void store_readings(const std::map<std::string, at::Tensor>& inputs, double gain, double offset) {
    config_.repeat = 6;
    config_.seed = 777;
    const at::Tensor hardware = computed(ProbeOperation::linear, inputs);
    const at::Tensor readings = hardware.mul(gain).add(offset).to(at::kFloat);
    config_.measured = (scratch_ / "lab.safetensors").string();
    store(config_.measured, {{"y", readings}});
    config_.seed = 42;
    config_.repeat = std::nullopt;
    config_.params.clear();
  }
};

TEST_F(MeasuredProbe, FindsGainOffsetNoiseAndTheLevelsOfTheHardware) {
  const std::map<std::string, at::Tensor> inputs = {{"x", normal({24, 32}, 1)},
                                                    {"weight", normal({12, 32}, 2)}};
  set("q_levels", "32");
  store_readings(inputs, 0.8, 0.25);
  const ProbeReport report = run(ProbeOperation::linear, inputs);
  ASSERT_TRUE(report.measured.has_value());
  const MeasuredReport& measured = *report.measured;
  EXPECT_EQ(measured.hardware.repeats, 6);
  EXPECT_TRUE(measured.hardware.gain.contains(0.8)) << measured.hardware.gain.value;
  EXPECT_TRUE(measured.hardware.offset.contains(0.25)) << measured.hardware.offset.value;
  EXPECT_GT(measured.hardware.noise.low, 3 * measured.simulation.noise.high)
      << "32 levels are noisier than the 256 of the rule as given";
  EXPECT_NEAR(static_cast<double>(measured.fit.values.get_int("q_levels")), 32, 1);
  EXPECT_GT(measured.fit.improvement.low, 0);

  const ParsedTransform parsed = parse_transform_config(tests::content_of(measured.rule_file),
                                                        measured.rule_file, paradigm_infos());
  for (const Problem& problem : parsed.problems) ADD_FAILURE() << to_string(problem);
  const TransformConfig& rule = parsed.config;
  ASSERT_EQ(rule.rules.size(), 1u);
  EXPECT_EQ(rule.rules[0].values.get("q_levels"), measured.fit.values.get("q_levels"));
}

TEST_F(MeasuredProbe, AMatchingSimulationStandsBesideItsLikeness) {
  const std::map<std::string, at::Tensor> inputs = {{"x", normal({24, 32}, 1)},
                                                    {"weight", normal({12, 32}, 2)}};
  store_readings(inputs, 1, 0);
  const ProbeReport report = run(ProbeOperation::linear, inputs);
  const MeasuredReport& measured = *report.measured;
  EXPECT_NEAR(measured.hardware.noise.value / measured.simulation.noise.value, 1, 0.05);
  EXPECT_NEAR(measured.hardware.fixed_error / measured.simulation.fixed_error, 1, 0.1);
  EXPECT_EQ(measured.fit.values.get_int("q_levels"), 256);
  EXPECT_TRUE(measured.fit.values.get_bool("noise"));
  EXPECT_NEAR(measured.fit.values.get_real("q_lut_min"), 0.02004, 0.01);
}

TEST_F(MeasuredProbe, TheRuleComputesWhatWasSimulated) {
  const std::map<std::string, at::Tensor> inputs = {{"x", normal({6, 8}, 1)},
                                                    {"weight", normal({4, 8}, 2)}};
  store_readings(inputs, 1, 0);
  for (const char* quantiles : {"", "null", "[0.01, 0.99]"}) {
    config_.params = {{"semantics", "reference"}};
    if (*quantiles != 0) set("q_quantiles", quantiles);
    const ProbeReport report = run(ProbeOperation::linear, inputs);
    const MeasuredReport& measured = *report.measured;
    const ParsedTransform parsed = parse_transform_config(tests::content_of(measured.rule_file),
                                                          measured.rule_file, paradigm_infos());
    ASSERT_EQ(parsed.config.rules.size(), 1u) << tests::content_of(measured.rule_file);
    const auto infos = paradigm_infos();
    const ParamValues trained =
        find_paradigm(infos, "optical_transformer")
            ->effective_values(parsed.config.rules[0].values, LayerKind::linear);
    EXPECT_TRUE(trained.same_values(measured.fit.values)) << quantiles << "\n"
                                                          << tests::content_of(measured.rule_file);
  }
}

TEST_F(MeasuredProbe, NoFileThatIsReadIsReplaced) {
  const std::map<std::string, at::Tensor> inputs = {{"x", normal({5, 8}, 1)},
                                                    {"weight", normal({3, 8}, 2)}};
  const auto expect = [&](const char* one, const char* other) {
    const std::string text = complaint(ProbeOperation::linear, inputs);
    EXPECT_NE(text.find(std::string(one) + " and " + other + " are the same file"),
              std::string::npos)
        << text;
  };
  config_.measured = scratch_.write("out.yaml", "1,2\n").string();
  expect("--measured", "--rule");  // --rule by default: out.yaml
  EXPECT_EQ(tests::content_of(config_.measured), "1,2\n");
  config_.measured = scratch_.write("lab.csv", "1,2\n").string();
  config_.rule = config_.input;
  expect("--input", "--rule");
  config_.rule = config_.output;
  expect("--output", "--rule");
  config_.rule = (scratch_ / "rule.yaml").string();
  config_.output = config_.measured;
  expect("--measured", "--output");
  config_.output = (scratch_ / "out.safetensors").string();
  std::filesystem::create_symlink(config_.input, config_.rule);
  expect("--input", "--rule");
}

TEST_F(MeasuredProbe, AFolderThatIsMissingIsFoundBeforeAnythingIsWritten) {
  config_.measured = scratch_.write("lab.csv", "1,2\n").string();
  config_.rule = (scratch_ / "no/rule.yaml").string();
  const std::string text =
      complaint(ProbeOperation::linear, {{"x", normal({5, 8}, 1)}, {"weight", normal({3, 8}, 2)}});
  EXPECT_NE(text.find("--rule"), std::string::npos) << text;
  EXPECT_NE(text.find("there is no folder"), std::string::npos) << text;
  EXPECT_FALSE(std::filesystem::exists(config_.output));
}

TEST_F(MeasuredProbe, ReadingsComeInColumns) {
  const std::map<std::string, at::Tensor> inputs = {{"x", normal({5, 8}, 1)},
                                                    {"weight", normal({3, 8}, 2)}};
  const at::Tensor exact = at::matmul(inputs.at("x"), inputs.at("weight").t());
  std::string text = "a,b,c\n";
  for (int repeat = 0; repeat < 2; ++repeat) {
    for (int row = 0; row < 5; ++row) {
      for (int column = 0; column < 3; ++column) {
        text += std::to_string(2 * exact[row][column].item<float>() + 1 + 1e-3f * repeat) +
                (column < 2 ? "," : "\n");
      }
    }
  }
  config_.measured = scratch_.write("lab.csv", text).string();
  const ProbeReport report = run(ProbeOperation::linear, inputs);
  EXPECT_EQ(report.measured->hardware.repeats, 2);
  EXPECT_NEAR(report.measured->hardware.gain.value, 2, 1e-5);
  EXPECT_NEAR(report.measured->hardware.offset.value, 1.0005, 1e-4);
}

TEST_F(MeasuredProbe, ReadingsOfAnotherShapeAreRefused) {
  const std::map<std::string, at::Tensor> inputs = {{"x", normal({5, 8}, 1)},
                                                    {"weight", normal({3, 8}, 2)}};
  config_.measured = (scratch_ / "lab.safetensors").string();
  store(config_.measured, {{"y", normal({3, 5}, 1)}});
  const std::string text = complaint(ProbeOperation::linear, inputs);
  EXPECT_NE(text.find("readings have shape [3, 5], the output has [5, 3]"), std::string::npos)
      << text;
  store(config_.measured, {{"y", at::ones({5, 3})}});
  EXPECT_NE(complaint(ProbeOperation::linear, inputs).find("no dependence on the exact"),
            std::string::npos);
}

TEST(SelfCheck, TheNoiseOfEveryParadigmPasses) {
  SelfCheckConfig config;
  config.samples = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 20'000'000 : 500'000;
  const SelfCheckReport report = self_check(config, {});
  std::vector<std::string> checked, built_in;
  for (const auto& part : report.parts) checked.push_back(part.paradigm);
  for (const ParadigmInfo& info : paradigm_infos()) built_in.push_back(info.id);
  EXPECT_EQ(checked, built_in);
  for (const auto& part : report.parts) {
    EXPECT_GT(part.checks.size(), 5u) << part.paradigm;
    for (const NoiseCheck& check : part.checks) {
      EXPECT_TRUE(check.pass) << part.paradigm << " " << check.name << ": " << check.value
                              << " not in [" << check.lower << ", " << check.upper << "]";
      EXPECT_GE(check.samples, config.samples / 2) << check.name;
    }
  }
}

TEST(SelfCheck, AFrozenGeneratorFailsInEveryReadOut) {
  SelfCheckConfig config;
  config.paradigm = "optical_transformer";
  config.params = {{"semantics", "reference"}};
  config.samples = 200'000;
  const SelfCheckReport report = self_check(config, {});
  EXPECT_FALSE(report.pass());
  std::map<std::string, bool> passed;
  for (const NoiseCheck& check : report.parts.at(0).checks) passed[check.name] = check.pass;
  for (const char* read_out : {"read-out", "scores", "context"}) {
    for (const char* row : {"mean", "variance", "two layers", "two steps", "two micro-steps"}) {
      const std::string name = std::string(read_out) + " error: " + row;
      ASSERT_EQ(passed.count(name), 1u) << name;
      EXPECT_FALSE(passed[name]) << name;
    }
  }
}

TEST(SelfCheck, OtherNumbersOfLevelsPassToo) {
  std::vector<std::string> all = {"3", "16"};
  if (std::getenv("PARADIGM_LONG_TESTS") != nullptr) all = {"3", "4", "8", "16", "61", "4096"};
  for (const std::string& levels : all) {
    SelfCheckConfig config;
    config.paradigm = "optical_transformer";
    config.params = {{"q_levels", levels}};
    config.samples = 200'000;
    for (const NoiseCheck& check : self_check(config, {}).parts.at(0).checks) {
      if (check.name.rfind("scores", 0) != 0 && check.name.rfind("context", 0) != 0) continue;
      EXPECT_TRUE(check.pass) << levels << " levels, " << check.name << ": " << check.value
                              << " not in [" << check.lower << ", " << check.upper << "]";
    }
  }
}

}  // namespace
