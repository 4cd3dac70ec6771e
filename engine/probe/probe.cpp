// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/probe.h"

#include "engine/config/fitted_rule.h"
#include "engine/data/number_file.h"
#include "engine/device/computing_errors.h"
#include "engine/devices.h"
#include "engine/error.h"
#include "engine/memory_limit.h"
#include "engine/probe/exact_output.h"
#include "engine/probe/probe_subject.h"
#include "engine/probe/probe_tensors.h"
#include "engine/runs/run_folder.h"
#include "engine/scripted/scripted_paradigm.h"
#include "engine/scripted/scripted_search.h"
#include "engine/transform/paradigm_info.h"
#include "engine/transform/paradigm_probe.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

namespace engine {
namespace {

// The simulation's noise is known from at least this many draws when it stands beside a
// measurement.
constexpr std::int64_t kComparedDraws = 8;

struct ChosenParadigm {
  ParadigmInfo info;
  std::shared_ptr<const Paradigm> paradigm;
};

ChosenParadigm chosen_paradigm(const std::string& reference) {
  if (reference.empty()) {
    std::vector<std::string> ids;
    for (const ParadigmInfo& info : paradigm_infos()) ids.push_back(info.id);
    fail("missing-flag", {"--paradigm"}, "--paradigm is missing",
         fmt::format("Give one of {}, or a TorchScript file", fmt::join(ids, ", ")));
  }
  const ParadigmChoice choice = choose_paradigm(reference);
  return {choice.info, paradigm_of(choice)};
}

ParamValues chosen_values(const ParadigmInfo& info, LayerKind kind,
                          const std::vector<std::pair<std::string, std::string>>& params) {
  std::vector<Problem> problems;
  const ParamValues values = probe_values(info.schema, params, problems);
  if (has_errors(problems)) throw Error(problems);
  return info.effective_values(values, kind);
}

/// What the draws of one subject came to.
struct Draws {
  std::vector<at::Tensor> outputs;  // on the CPU, in the dtype of the operation
  std::vector<double> values;       // of all draws, one after the other
  std::vector<ProbeRange> ranges;
  std::vector<std::pair<std::string, double>> statistics;  // means over draws
};

void append_values(const at::Tensor& y, std::vector<double>& values) {
  const at::Tensor exact = y.to(at::kCPU, at::kDouble).contiguous();
  const double* data = exact.const_data_ptr<double>();
  values.insert(values.end(), data, data + exact.numel());
}

/// All draws are kept: in double for the statistics, as they are twice, one by one and stacked.
void require_memory_for(std::int64_t draws, const at::Tensor& y) {
  const double each =
      static_cast<double>(y.numel()) * (8.0 + 2.0 * static_cast<double>(y.element_size()));
  const double needed = each * static_cast<double>(draws);
  const auto limit = static_cast<double>(memory_limit());
  if (limit <= 0 || needed <= limit) return;
  fail("no-memory", {"--repeat"},
       fmt::format("{} draws of {} elements need {:.1f} GB of memory; there are {:.1f} GB", draws,
                   y.numel(), needed / 1e9, limit / 1e9),
       fmt::format("Give at most {:.0f}, and go on at a later --step",
                   std::floor(limit / each / 2)));
}

Draws draw_all(ProbeSubject& subject, std::int64_t first_step, std::int64_t count,
               bool keep_outputs, const std::string& stage, const ProgressFunction& on_progress) {
  Draws draws;
  for (std::int64_t i = 0; i < count; ++i) {
    if (on_progress && !on_progress(stage, static_cast<double>(i), static_cast<double>(count))) {
      fail("cancelled", {}, "the probe was cancelled");
    }
    const at::Tensor y = subject.draw(first_step + i);
    if (i == 0) require_memory_for(count, y);
    append_values(y, draws.values);
    if (keep_outputs) draws.outputs.push_back(y.to(at::kCPU).contiguous());
    for (const auto& [name, value] : subject.statistics()) {
      const auto found = std::find_if(draws.statistics.begin(), draws.statistics.end(),
                                      [&](const auto& known) { return known.first == name; });
      const double share = value / static_cast<double>(count);
      if (found == draws.statistics.end()) {
        draws.statistics.emplace_back(name, share);
      } else {
        found->second += share;
      }
    }
  }
  draws.ranges = subject.ranges();
  return draws;
}

OutputError error_of(const std::vector<double>& exact, std::span<const double> values) {
  OutputErrorSums sums;
  for (std::size_t at = 0; at < values.size(); at += exact.size()) {
    sums.add(exact, values.subspan(at, exact.size()));
  }
  return sums.result();
}

ProbeTensor described(const std::string& name, const at::Tensor& tensor) {
  return {name, safetensors_dtype(tensor.scalar_type()), tensor.sizes().vec()};
}

/// Repeats of whole outputs, one after the other.
struct Repeats {
  std::vector<double> values;
  std::int64_t count = 0;
};

Repeats read_readings(const ProbeConfig& config, const std::vector<std::int64_t>& shape,
                      std::int64_t elements) {
  NumberArray array = read_number_file(config.measured, "y");
  const auto numbers = static_cast<std::int64_t>(array.values.size());
  const std::string ending = std::filesystem::path(config.measured).extension().string();
  const bool is_text = ending != ".safetensors" && ending != ".npy";
  const std::int64_t columns = array.shape.empty() ? 0 : array.shape.back();
  const bool has_known_rows = columns == elements || (!shape.empty() && columns == shape.back());
  const bool is_repeated =
      !array.shape.empty() && array.shape.front() > 0 &&
      std::equal(array.shape.begin() + 1, array.shape.end(), shape.begin(), shape.end());
  if (array.shape == shape) return {std::move(array.values), 1};
  if (is_repeated) return {std::move(array.values), array.shape.front()};
  if (is_text && has_known_rows && elements > 0 && numbers % elements == 0) {
    return {std::move(array.values), numbers / elements};
  }
  fail("shape-mismatch", {config.measured},
       fmt::format("the readings have shape [{}], the output has [{}]",
                   fmt::join(array.shape, ", "), fmt::join(shape, ", ")),
       "Give readings of that shape, repeats in a dimension before it");
}

/// The readings beside the simulation.
class Comparison {
 public:
  Comparison(const ProbeConfig& config, const ChosenParadigm& chosen, const ParamValues& values,
             const ProbeInputs& inputs, const ProgressFunction& on_progress)
      : config_(config),
        chosen_(chosen),
        values_(values),
        inputs_(inputs),
        on_progress_(on_progress) {}

  MeasuredReport report(const std::vector<double>& exact, std::int64_t channels,
                        const Repeats& readings, const std::vector<double>& drawn) {
    MeasuredReport report;
    report.file = config_.measured;
    report.confidence = config_.confidence;
    report.rule_file = rule_file(config_);
    report.hardware =
        fit_device({exact, readings.values, readings.count, channels}, config_.confidence);
    const double gain = report.hardware.gain.value;
    if (!(report.hardware.gain.low > 0 || report.hardware.gain.high < 0)) {
      fail("bad-measurement", {config_.measured},
           fmt::format("{} usable readings show no dependence on the exact outputs: gain {:.3g} in "
                       "[{:.3g}, {:.3g}]",
                       report.hardware.elements * readings.count, gain, report.hardware.gain.low,
                       report.hardware.gain.high),
           "Give at least three finite readings of the same inputs, in the order of y");
    }
    report.draws = static_cast<std::int64_t>(drawn.size() / exact.size());
    std::vector<double> simulated;
    if (report.draws < kComparedDraws) {
      report.draws = kComparedDraws;
      simulated = simulate(values_);
    }
    report.simulation = fit_device(
        {exact, simulated.empty() ? drawn : simulated, report.draws, channels}, config_.confidence);

    std::vector<double> scaled = readings.values;
    for (double& reading : scaled) reading = (reading - report.hardware.offset.value) / gain;
    report.fit = fit_rule(
        chosen_.info.schema, chosen_.paradigm->probe()->fitted_parameters(), values_, exact, scaled,
        [this](const ParamValues& values) { return simulate(values); }, config_.confidence);
    return report;
  }

 private:
  std::vector<double> simulate(const ParamValues& values) {
    const auto subject = make_probe_subject(*chosen_.paradigm, values, config_, inputs_);
    return draw_all(*subject, config_.step, kComparedDraws, false, "fitting the rule", on_progress_)
        .values;
  }

  const ProbeConfig& config_;
  const ChosenParadigm& chosen_;
  const ParamValues& values_;
  const ProbeInputs& inputs_;
  const ProgressFunction& on_progress_;
};

ProbeReport probed(const ProbeConfig& config, const ProgressFunction& on_progress) {
  const std::vector<Problem> problems = problems_in(config);
  if (has_errors(problems)) throw Error(problems);
  const ChosenParadigm chosen = chosen_paradigm(config.paradigm);
  const ParamValues values = chosen_values(chosen.info, probed_kind(config), config.params);
  const ChosenDevice device = choose_device(config.device, true);
  const at::NoGradGuard no_gradient;
  const ProbeInputs inputs = read_probe_inputs(config, device.device);

  const auto subject = make_probe_subject(*chosen.paradigm, values, config, inputs);
  const at::Tensor exact = exact_output(config, inputs);
  std::vector<double> exact_values;
  append_values(exact, exact_values);
  Repeats readings;
  if (!config.measured.empty()) {
    readings = read_readings(config, exact.sizes().vec(), exact.numel());
  }

  const std::int64_t count = config.repeat.value_or(1);
  const Draws draws = draw_all(*subject, config.step, count, true, "drawing", on_progress);
  const at::Tensor y = config.repeat ? at::stack(draws.outputs) : draws.outputs.front();

  ProbeReport report;
  report.paradigm = config.paradigm;
  report.operation = to_string(config.operation);
  report.layer = config.layer;
  report.device = device.id;
  report.seed = config.seed;
  report.first_step = config.step;
  report.draws = count;
  report.values = values;
  for (const auto& [name, tensor] : inputs.tensors) {
    report.inputs.push_back(described(name, tensor));
  }
  report.output = described("y", y);
  report.ranges = draws.ranges;
  if (!exact_values.empty()) report.error = error_of(exact_values, draws.values);
  report.statistics = draws.statistics;
  if (!config.measured.empty()) {
    const std::int64_t channels = exact.dim() > 0 ? std::max<std::int64_t>(exact.size(-1), 1) : 1;
    report.measured = Comparison(config, chosen, values, inputs, on_progress)
                          .report(exact_values, channels, readings, draws.values);
  }
  if (!report.measured) {
    write_probe_output(config, values, y);
    return report;
  }
  // Both are complete before either takes its place.
  AtomicFile rule(report.measured->rule_file);
  rule.write(fitted_rule_yaml(chosen.info, probed_kind(config), report));
  write_probe_output(config, values, y);
  rule.commit();
  return report;
}

SelfCheckReport self_checked(const SelfCheckConfig& config, const ProgressFunction& on_progress) {
  const std::vector<Problem> problems = problems_in(config);
  if (has_errors(problems)) throw Error(problems);
  const ChosenDevice device = choose_device(config.device, true);
  std::vector<std::string> ids;
  if (!config.paradigm.empty()) {
    ids = {config.paradigm};
  } else {
    if (!config.params.empty()) {
      fail("bad-usage", {"--param"}, "--param without --paradigm", "Name the paradigm it is of");
    }
    for (const ParadigmInfo& info : paradigm_infos()) ids.push_back(info.id);
  }

  SelfCheckReport report;
  report.samples = config.samples;
  report.seed = config.seed;
  report.device = device.id;
  report.bounds = kNoiseBounds;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (on_progress && !on_progress("checking " + ids[i], static_cast<double>(i),
                                    static_cast<double>(ids.size()))) {
      fail("cancelled", {}, "the self-check was cancelled");
    }
    const ChosenParadigm chosen = chosen_paradigm(ids[i]);
    const ParamValues values = chosen_values(
        chosen.info,
        chosen.info.handles(LayerKind::linear) ? LayerKind::linear : LayerKind::attention,
        config.params);
    const std::vector<NoiseCheck> checks = chosen.paradigm->probe()->self_check(
        values, {.run_seed = static_cast<std::uint64_t>(config.seed),
                 .samples = config.samples,
                 .device = device.device});
    if (checks.empty() && !config.paradigm.empty()) {
      fail("not-offered", {"--self-check"},
           fmt::format("the paradigm {} has no statistical tests of its own", config.paradigm));
    }
    if (!checks.empty()) report.parts.push_back({ids[i], checks});
  }
  return report;
}

}  // namespace

ProbeReport probe(const ProbeConfig& config, const ProgressFunction& on_progress) {
  return with_errors_as("probe-failed", [&] { return probed(config, on_progress); });
}

SelfCheckReport self_check(const SelfCheckConfig& config, const ProgressFunction& on_progress) {
  return with_errors_as("probe-failed", [&] { return self_checked(config, on_progress); });
}

}  // namespace engine
