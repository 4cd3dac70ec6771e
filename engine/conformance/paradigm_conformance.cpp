// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/conformance/paradigm_conformance.h"

#include "engine/config/transform_config.h"
#include "engine/config/yaml_values.h"
#include "engine/conformance/conformance_layer.h"
#include "engine/error.h"
#include "engine/transform/paradigm_probe.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace engine {
namespace {

using Outcome = ConformanceResult::Outcome;
using Layer = std::unique_ptr<ConformanceLayer>;

/// What a check has to say; the first broken expectation is told.
class Findings {
 public:
  void expect(bool holds, const std::string& otherwise) {
    if (!holds && broken_.empty()) broken_ = otherwise;
  }
  void not_applicable(std::string reason) { not_applicable_ = std::move(reason); }

  Outcome outcome() const {
    if (!broken_.empty()) return Outcome::broken;
    return not_applicable_.empty() ? Outcome::kept : Outcome::not_applicable;
  }
  std::string reason() const { return broken_.empty() ? not_applicable_ : broken_; }

 private:
  std::string broken_;
  std::string not_applicable_;
};

ForwardContext at_step(Phase phase, std::int64_t step, c10::ScalarType dtype = at::kFloat) {
  ForwardContext context;
  context.phase = phase;
  context.step = step;
  context.compute_dtype = dtype;
  return context;
}

/// The values that show what a paradigm simulates.
ParamValues simulating(const ConformanceCase& subject) {
  return subject.info.effective_values(subject.info.example, subject.kind);
}

Layer fresh(const ConformanceCase& subject, std::uint64_t run_seed = 42) {
  return simulated_layer(subject, simulating(subject), run_seed);
}

/// A layer that has seen two training steps, so that evaluation has what it needs.
Layer trained(const ConformanceCase& subject) {
  Layer layer = fresh(subject);
  for (int step = 0; step < 2; ++step)
    layer->forward(at_step(Phase::train, step),
                   layer->inputs(3, static_cast<std::uint64_t>(50 + step)));
  return layer;
}

std::vector<at::Tensor> to_dtype(std::vector<at::Tensor> tensors, c10::ScalarType dtype) {
  for (at::Tensor& tensor : tensors) tensor = tensor.to(dtype);
  return tensors;
}

std::vector<at::Tensor> rows(const std::vector<at::Tensor>& inputs, std::int64_t first,
                             std::int64_t count) {
  std::vector<at::Tensor> part;
  for (const at::Tensor& tensor : inputs) part.push_back(tensor.narrow(0, first, count));
  return part;
}

/// The share of elements further apart than `tolerance` of the largest magnitude in their row.
DeviceDifference distance(const at::Tensor& a, const at::Tensor& b, double tolerance) {
  if (a.sizes() != b.sizes()) return {1, 1};
  const at::Tensor x = a.detach().to(at::kCPU, at::kDouble);
  const at::Tensor y = b.detach().to(at::kCPU, at::kDouble);
  const at::Tensor apart = (x - y).abs().div(x.abs().amax(-1, /*keepdim=*/true).clamp_min(1e-30));
  return {.share_apart = apart.gt(tolerance).to(at::kDouble).mean().item<double>(),
          .largest = apart.max().item<double>()};
}

/// Another shape or stride may take another matrix product, so the last bits of a sum may differ,
/// and a value beside the edge of a level falls to its other side. Noise that depends on what it
/// must not is apart in nearly every element.
bool same_but_for_rounding(const at::Tensor& a, const at::Tensor& b) {
  return distance(a, b, 1e-5).share_apart <= 0.01;
}

bool all_finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

std::vector<at::Tensor> snapshot(ConformanceLayer& layer) {
  std::vector<at::Tensor> copies;
  for (const NamedState& state : layer.state()) copies.push_back(state.tensor.clone());
  return copies;
}

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const at::Tensor& x, const at::Tensor& y) { return at::equal(x, y); });
}

void restore(ConformanceLayer& layer, const std::vector<at::Tensor>& copies) {
  const std::vector<NamedState> states = layer.state();
  if (states.size() != copies.size()) throw Error("the number of state tensors changes");
  for (std::size_t i = 0; i < copies.size(); ++i) states[i].tensor.copy_(copies[i]);
}

std::string first_error(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems)
    if (problem.severity == Severity::error) return to_string(problem);
  return "";
}

ParsedTransform parse_rule(const ConformanceCase& subject, const std::string& values) {
  const std::string text = "paradigm: " + yaml_text(subject.info.id) +
                           "\nlayer_name_to_config:\n  some_layer:\n" + values;
  return parse_transform_config(text, "conformance.yaml", {subject.info});
}

// ---- the schema

void defaults_satisfy_the_schema(const ConformanceCase& subject, Findings& findings) {
  const RuleSchema& schema = subject.info.schema;
  findings.expect(first_error(problems_in(schema, schema.with_defaults({}))).empty(),
                  first_error(problems_in(schema, schema.with_defaults({}))));
  findings.expect(first_error(problems_in(schema, subject.info.example)).empty(),
                  first_error(problems_in(schema, subject.info.example)));
  for (const ParamSpec& spec : schema.specs()) {
    findings.expect(!spec.help_text.empty(), spec.name + " has no help");
    findings.expect(!spec.label_text.empty(), spec.name + " has no label");
  }
}

void values_survive_yaml(const ConformanceCase& subject, Findings& findings) {
  for (const ParamValues& given : {ParamValues{}, subject.info.example}) {
    const ParamValues values = subject.info.schema.with_defaults(given);
    std::string text;
    for (const PlacedValue& value : values.entries()) {
      const auto* word = std::get_if<std::string>(&value.value);
      text +=
          "    " + value.name + ": " + (word ? yaml_text(*word) : to_string(value.value)) + "\n";
    }
    const ParsedTransform parsed = parse_rule(subject, text.empty() ? "    {}\n" : text);
    findings.expect(first_error(parsed.problems).empty(), first_error(parsed.problems));
    findings.expect(
        parsed.config.rules.size() == 1 &&
            subject.info.schema.with_defaults(parsed.config.rules[0].values).same_values(values),
        "values written as YAML read back as others:\n" + text);
  }
}

void unknown_keys_are_refused(const ConformanceCase& subject, Findings& findings) {
  ParamValues values;
  values.set("no_such_key", std::int64_t{1});
  findings.expect(has_errors(problems_in(subject.info.schema, values)),
                  "no_such_key is accepted by the schema");
  findings.expect(has_errors(parse_rule(subject, "    no_such_key: 1\n").problems),
                  "no_such_key is accepted in YAML");
}

/// Two values of a parameter's range to move between.
std::pair<double, double> ends_within(const ParamSpec& spec) {
  const bool is_probability = spec.kind == ParamKind::probability;
  const double low = std::isfinite(spec.minimum) ? spec.minimum : std::min(0.0, spec.maximum - 1);
  const double high = std::isfinite(spec.maximum) ? spec.maximum : low + 1;
  if (is_probability) return {low + (high - low) / 8, low + (high - low) / 64};
  return {low + (high - low) * 0.625, low + (high - low) * 0.375};
}

void schedules_move_every_number(const ConformanceCase& subject, Findings& findings) {
  bool has_any = false;
  for (const ParamSpec& spec : subject.info.schema.specs()) {
    if (!spec.takes_schedule || !spec.refused_because.empty()) continue;
    has_any = true;
    const auto [from, to] = ends_within(spec);
    ParamSchedule schedule;
    schedule.from = from;
    schedule.to = to;
    schedule.steps = 10;
    const auto with = [&](const ParamValue& value) {
      ParamValues values = subject.info.example;
      values.set(spec.name, value);
      return simulated_layer(subject, subject.info.effective_values(values, subject.kind));
    };
    // Before the ramp it is the one constant, behind it the other: outputs, gradients, state.
    for (const auto& [constant, first_step] :
         std::vector<std::pair<double, std::int64_t>>{{from, 0}, {to, 10}}) {
      Layer moving = with(schedule);
      Layer still = with(constant);
      for (std::int64_t step = first_step; step < first_step + (first_step == 0 ? 1 : 2); ++step) {
        const std::vector<at::Tensor> x = moving->inputs(3, 70 + static_cast<std::uint64_t>(step));
        findings.expect(at::equal(moving->forward(at_step(Phase::train, step), x),
                                  still->forward(at_step(Phase::train, step), x)),
                        fmt::format("{} as a schedule at step {} is not {} = {}", spec.name, step,
                                    spec.name, constant));
      }
      findings.expect(same(snapshot(*moving), snapshot(*still)),
                      spec.name + " as a schedule leaves another state than the number");
    }
  }
  if (!has_any) findings.not_applicable("it has no real or probability parameter");
}

// ---- the layer

void neutral_is_the_plain_layer(const ConformanceCase& subject, Findings& findings) {
  ParamValues neutral = subject.info.neutral;
  for (const ParamSpec& spec : subject.info.schema.specs())
    if (spec.kind == ParamKind::boolean && spec.name.find("bypass") != std::string::npos)
      neutral.set(spec.name, true);
  if (neutral.empty()) {
    findings.not_applicable("it names no neutral setting");
    return;
  }
  Layer simulated = simulated_layer(subject, subject.info.effective_values(neutral, subject.kind));
  Layer ordinary = plain_layer(subject);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const Phase phase : {Phase::train, Phase::evaluate}) {
      const std::vector<at::Tensor> x = to_dtype(simulated->inputs(2, 5), dtype);
      findings.expect(at::equal(simulated->forward(at_step(phase, 0, dtype), x),
                                ordinary->forward(at_step(phase, 0, dtype), x)),
                      "the neutral setting differs from the plain layer");
    }
  }
}

void shape_and_dtype_are_kept(const ConformanceCase& subject, Findings& findings) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    Layer layer = fresh(subject);
    for (const std::int64_t batch : {1, 3, 0}) {
      const at::Tensor y =
          layer->forward(at_step(Phase::train, 0, dtype), to_dtype(layer->inputs(batch, 5), dtype));
      findings.expect(y.sizes() == at::IntArrayRef(layer->output_shape(batch)),
                      fmt::format("a batch of {} gives another shape", batch));
      findings.expect(y.scalar_type() == dtype, "the output is not in the compute dtype");
      findings.expect(y.device().type() == subject.device.type(), "the output changes the device");
      findings.expect(all_finite(y), "ordinary inputs give an output that is not finite");
    }
  }
}

void non_contiguous_inputs_are_the_same(const ConformanceCase& subject, Findings& findings) {
  Layer a = fresh(subject);
  Layer b = fresh(subject);
  const std::vector<at::Tensor> x = a->inputs(3, 5);
  std::vector<at::Tensor> strided;
  for (const at::Tensor& tensor : x)
    strided.push_back(tensor.transpose(-1, -2).contiguous().transpose(-1, -2));
  findings.expect(same_but_for_rounding(a->forward(at_step(Phase::train, 0), x),
                                        b->forward(at_step(Phase::train, 0), strided)),
                  "a transposed view of the same input gives another output");
}

void gradients_exist_and_are_finite(const ConformanceCase& subject, Findings& findings) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    Layer layer = fresh(subject);
    for (int step = 0; step < 2; ++step) {
      std::vector<at::Tensor> x = to_dtype(layer->inputs(2, 5), dtype);
      for (at::Tensor& tensor : x) tensor = tensor.detach().set_requires_grad(true);
      layer->forward(at_step(Phase::train, step, dtype), x).to(at::kFloat).pow(2).sum().backward();
      for (const at::Tensor& parameter : layer->parameters()) x.push_back(parameter);
      for (const at::Tensor& tensor : x) {
        if (!tensor.grad().defined()) {
          findings.expect(false, "an input or a parameter gets no gradient");
          continue;
        }
        findings.expect(tensor.grad().scalar_type() == tensor.scalar_type(),
                        "a gradient has another dtype than its tensor");
        findings.expect(all_finite(tensor.grad()), "a gradient is not finite");
        findings.expect(tensor.grad().abs().max().item<double>() > 0, "a gradient is all zero");
      }
    }
  }
}

void same_key_same_bits(const ConformanceCase& subject, Findings& findings) {
  Layer a = fresh(subject, 1);
  Layer b = fresh(subject, 1);
  Layer c = fresh(subject, 2);
  const std::vector<at::Tensor> x = a->inputs(3, 5);
  const at::Tensor first = a->forward(at_step(Phase::train, 0), x);
  findings.expect(at::equal(first, b->forward(at_step(Phase::train, 0), x)),
                  "two layers of one key give different bits");
  // State and inputs are the same, so what differs is noise.
  const bool moves_by_step =
      !at::equal(a->forward(at_step(Phase::train, 1), x), b->forward(at_step(Phase::train, 2), x));
  const bool moves_by_seed = !at::equal(first, c->forward(at_step(Phase::train, 0), x));
  if (!moves_by_step && !moves_by_seed) return;
  findings.expect(moves_by_seed, "another run seed gives the same noise");
  if (!moves_by_step && subject.paradigm->probe()->draws_once_per_run(subject.kind)) return;
  findings.expect(moves_by_step, "another step gives the same noise");
  restore(*b, snapshot(*a));
  ForwardContext micro = at_step(Phase::train, 3);
  const at::Tensor one = a->forward(micro, x);
  micro.micro_step = 1;
  findings.expect(!at::equal(one, b->forward(micro, x)), "another micro-step gives the same noise");
}

void recomputation_is_exact(const ConformanceCase& subject, Findings& findings) {
  Layer layer = trained(subject);
  const std::vector<at::Tensor> x = layer->inputs(3, 8);
  const at::Tensor y = layer->forward(at_step(Phase::train, 4), x);
  const std::vector<at::Tensor> before = snapshot(*layer);
  ForwardContext again = at_step(Phase::train, 4);
  again.recompute = true;
  findings.expect(at::equal(y, layer->forward(again, x)), "a recomputed forward gives other bits");
  findings.expect(same(before, snapshot(*layer)), "a recomputed forward changes the state");
}

void evaluation_changes_no_state(const ConformanceCase& subject, Findings& findings) {
  Layer layer = trained(subject);
  const std::vector<at::Tensor> before = snapshot(*layer);
  const std::vector<at::Tensor> x = layer->inputs(3, 8);
  const at::Tensor y = layer->forward(at_step(Phase::evaluate, 2), x);
  layer->forward(at_step(Phase::evaluate, 2), layer->inputs(3, 9));
  findings.expect(at::equal(y, layer->forward(at_step(Phase::evaluate, 2), x)),
                  "the same evaluation gives other bits the second time");
  findings.expect(same(before, snapshot(*layer)), "an evaluation changes the state");
}

void a_resume_is_exact(const ConformanceCase& subject, Findings& findings) {
  Layer uninterrupted = trained(subject);
  Layer resumed = fresh(subject);
  restore(*resumed, snapshot(*uninterrupted));
  for (int step = 2; step < 4; ++step) {
    const std::vector<at::Tensor> x = resumed->inputs(3, 60 + static_cast<std::uint64_t>(step));
    findings.expect(at::equal(uninterrupted->forward(at_step(Phase::train, step), x),
                              resumed->forward(at_step(Phase::train, step), x)),
                    "a layer with restored state goes on with other bits");
  }
  findings.expect(same(snapshot(*uninterrupted), snapshot(*resumed)),
                  "a layer with restored state comes to another state");
}

void batch_split_changes_nothing(const ConformanceCase& subject, Findings& findings) {
  Layer layer = trained(subject);
  const std::vector<at::Tensor> x = layer->inputs(5, 8);
  const auto compare = [&](ForwardContext context, const at::Tensor& whole, const char* what) {
    for (const auto& [first, count] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 2}, {1, 4}, {3, 2}}) {
      context.first_sequence = first;
      findings.expect(
          same_but_for_rounding(whole.narrow(0, first, count),
                                layer->forward(context, rows(x, first, count))),
          fmt::format("{}: sequences {} to {} of a batch give other values when they come alone",
                      what, first, first + count - 1));
    }
  };
  const ForwardContext evaluation = at_step(Phase::evaluate, 2);
  compare(evaluation, layer->forward(evaluation, x), "evaluation");
  // In training ranges are those of the whole batch, so it is recomputed in parts.
  ForwardContext training = at_step(Phase::train, 4);
  const at::Tensor whole = layer->forward(training, x);
  training.recompute = true;
  compare(training, whole, "training");
}

void parameters_are_taken_over(const ConformanceCase& subject, Findings& findings) {
  if (subject.kind != LayerKind::linear) {
    Layer layer = fresh(subject);
    findings.expect(layer->name() == "model.layers.0.self_attn", "the layer's name changes");
    findings.expect(layer->is_transformed(), "the replacement says that it is a plain layer");
    return;
  }
  const at::Tensor weight = at::ones({4, 3}, at::TensorOptions().device(subject.device));
  const at::Tensor bias = at::ones({4}, at::TensorOptions().device(subject.device));
  const auto layer =
      subject.paradigm->replace(std::make_unique<PlainLinear>("lm_head", weight, bias),
                                simulating(subject), {.run_seed = 1, .device = subject.device});
  findings.expect(layer->weight().is_same(weight) && layer->bias().is_same(bias),
                  "weight and bias are copied, not taken over");
  findings.expect(layer->name() == "lm_head", "the layer's name changes");
  findings.expect(layer->is_transformed(), "the replacement says that it is a plain layer");
}

void state_is_named_and_in_place(const ConformanceCase& subject, Findings& findings) {
  Layer layer = fresh(subject);
  const std::vector<NamedState> before = layer->state();
  layer->forward(at_step(Phase::train, 0), layer->inputs(2, 5));
  const std::vector<NamedState> after = layer->state();
  findings.expect(before.size() == after.size(), "the number of state tensors changes");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    findings.expect(before[i].tensor.is_same(after[i].tensor),
                    before[i].name + " is replaced, not changed in place");
    findings.expect(before[i].tensor.scalar_type() == at::kFloat, before[i].name + " is not fp32");
    names.push_back(before[i].name);
  }
  std::sort(names.begin(), names.end());
  findings.expect(std::adjacent_find(names.begin(), names.end()) == names.end(),
                  "two state tensors have one name");
}

void measuring_changes_nothing(const ConformanceCase& subject, Findings& findings) {
  Layer measured = fresh(subject);
  Layer silent = fresh(subject);
  for (int step = 0; step < 2; ++step) {
    const std::vector<at::Tensor> x = measured->inputs(3, 80 + static_cast<std::uint64_t>(step));
    ForwardContext context = at_step(Phase::train, step);
    const at::Tensor y = silent->forward(context, x);
    context.measure = true;
    findings.expect(at::equal(y, measured->forward(context, x)),
                    "a measured step gives other bits");
  }
  findings.expect(same(snapshot(*measured), snapshot(*silent)),
                  "a measured step leaves another state");
  std::vector<std::string> names;
  for (const NamedStatistic& statistic : measured->statistics()) {
    findings.expect(statistic.value.defined() && statistic.value.numel() == 1,
                    statistic.name + " is not one number");
    names.push_back(statistic.name);
  }
  std::sort(names.begin(), names.end());
  findings.expect(std::adjacent_find(names.begin(), names.end()) == names.end(),
                  "two statistics have one name");
}

void the_global_generator_is_untouched(const ConformanceCase& subject, Findings& findings) {
  const auto states = [&] {
    return std::vector{at::globalContext().defaultGenerator(at::kCPU).get_state(),
                       at::globalContext().defaultGenerator(subject.device).get_state()};
  };
  const std::vector<at::Tensor> before = states();
  trained(subject);
  findings.expect(same(before, states()), "it draws from torch's global generator");
}

struct Check {
  const char* name;
  const char* promise;
  void (*run)(const ConformanceCase&, Findings&);
};

constexpr Check kChecks[] = {
    {"DefaultsSatisfyTheSchema", "Defaults are allowed values, each with a label and help",
     defaults_satisfy_the_schema},
    {"ValuesSurviveYaml", "Values written as YAML read back as the same", values_survive_yaml},
    {"UnknownKeysAreRefused", "A key that the schema does not know is an error",
     unknown_keys_are_refused},
    {"SchedulesMoveEveryNumber",
     "Every real and probability takes a schedule; at its ends it is the constant, bit for bit",
     schedules_move_every_number},
    {"NeutralIsThePlainLayer", "The neutral setting is the plain layer, bit for bit",
     neutral_is_the_plain_layer},
    {"ShapeAndDtypeAreKept", "Shape, dtype and device are kept, for empty batches too",
     shape_and_dtype_are_kept},
    {"StridesDoNotMatter", "Inputs that are not contiguous give the same output",
     non_contiguous_inputs_are_the_same},
    {"GradientsExistAndAreFinite", "Inputs and parameters get finite gradients",
     gradients_exist_and_are_finite},
    {"SameKeySameBits", "One key gives one noise; another seed, step and micro-step another each",
     same_key_same_bits},
    {"RecomputationIsExact", "A recomputed forward gives the same bits and changes no state",
     recomputation_is_exact},
    {"EvaluationChangesNoState", "An evaluation changes no state and can be repeated",
     evaluation_changes_no_state},
    {"AResumeIsExact", "A layer with restored state goes on bit for bit", a_resume_is_exact},
    {"BatchSplitChangesNothing", "How a batch is split over calls or ranks changes nothing",
     batch_split_changes_nothing},
    {"ParametersAreTakenOver", "Weights, bias and name stay the original's",
     parameters_are_taken_over},
    {"StateIsNamedAndInPlace", "State is fp32, named once and changed in place",
     state_is_named_and_in_place},
    {"MeasuringChangesNothing", "Statistics are single numbers and taking them changes nothing",
     measuring_changes_nothing},
    {"TheGlobalGeneratorIsUntouched", "Noise never comes from torch's global generator",
     the_global_generator_is_untouched}};

}  // namespace

std::vector<ConformanceCase> conformance_cases(const ParadigmInfo& info,
                                               std::shared_ptr<const Paradigm> paradigm,
                                               at::Device device) {
  std::vector<ConformanceCase> cases;
  for (const LayerKind kind : info.targets)
    if (kind == LayerKind::linear || kind == LayerKind::attention)
      cases.push_back({info, paradigm, kind, device});
  return cases;
}

std::vector<std::string> conformance_checks() {
  std::vector<std::string> names;
  for (const Check& check : kChecks) names.emplace_back(check.name);
  return names;
}

ConformanceResult check_conformance(const ConformanceCase& subject, const std::string& name) {
  const auto* check = std::find_if(std::begin(kChecks), std::end(kChecks),
                                   [&](const Check& each) { return each.name == name; });
  if (check == std::end(kChecks)) throw Error("there is no conformance check " + name);
  ConformanceResult result{.check = check->name,
                           .promise = check->promise,
                           .kind = subject.kind,
                           .outcome = Outcome::broken,
                           .reason = {}};
  try {
    Findings findings;
    check->run(subject, findings);
    result.outcome = findings.outcome();
    result.reason = findings.reason();
  } catch (const c10::Error& error) {
    result.reason = error.what_without_backtrace();
  } catch (const std::exception& error) {
    result.reason = error.what();
  }
  return result;
}

std::vector<ConformanceResult> check_conformance(const ConformanceCase& subject) {
  std::vector<ConformanceResult> results;
  for (const std::string& name : conformance_checks())
    results.push_back(check_conformance(subject, name));
  return results;
}

DeviceDifference difference_between(const ConformanceCase& one, const ConformanceCase& other) {
  const auto output = [](const ConformanceCase& subject, const std::vector<at::Tensor>& state) {
    Layer layer = fresh(subject);
    if (!state.empty()) restore(*layer, state);
    return layer->forward(at_step(Phase::evaluate, 3), layer->inputs(8, 5));
  };
  const std::vector<at::Tensor> state = snapshot(*trained(one));
  return distance(output(one, state), output(other, state), 1e-4);
}

}  // namespace engine
