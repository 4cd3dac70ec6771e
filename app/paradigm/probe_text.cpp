// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/probe_text.h"

#include "app/paradigm/text_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace paradigm {
namespace {

using engine::DeviceFit;
using engine::Estimate;

constexpr std::size_t kShownChannels = 5;
constexpr std::size_t kShownRepeats = 8;

Json estimate_json(const Estimate& estimate) {
  return {{"value", number_json(estimate.value)},
          {"low", number_json(estimate.low)},
          {"high", number_json(estimate.high)}};
}

Json tensor_json(const engine::ProbeTensor& tensor) {
  return {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}};
}

Json error_json(const engine::OutputError& error) {
  return {{"outputs", error.count},
          {"non_finite", error.non_finite},
          {"changed", error.changed},
          {"mean", number_json(error.mean)},
          {"standard_deviation", number_json(error.standard_deviation)},
          {"largest", number_json(error.largest)},
          {"sqnr_db", number_json(error.sqnr_db)}};
}

Json fit_json(const DeviceFit& fit) {
  Json json = {{"elements", fit.elements},
               {"repeats", fit.repeats},
               {"non_finite", fit.non_finite},
               {"gain", estimate_json(fit.gain)},
               {"offset", estimate_json(fit.offset)},
               {"noise", estimate_json(fit.noise)},
               {"fixed_error", number_json(fit.fixed_error)},
               {"sqnr_db", number_json(fit.sqnr_db)},
               {"drift_per_repeat", estimate_json(fit.drift)}};
  json["signal"] = Json::array();
  for (const engine::SignalBin& bin : fit.signal) {
    json["signal"].push_back({{"low", number_json(bin.low)},
                              {"high", number_json(bin.high)},
                              {"elements", bin.elements},
                              {"mean", number_json(bin.mean)},
                              {"spread", number_json(bin.spread)}});
  }
  json["channels"] = Json::array();
  for (const engine::ChannelError& channel : fit.channel_errors) {
    json["channels"].push_back({{"channel", channel.channel},
                                {"mean", estimate_json(channel.mean)},
                                {"spread", number_json(channel.spread)},
                                {"gain", number_json(channel.gain)}});
  }
  json["repeats_by_time"] = Json::array();
  for (const engine::RepeatError& repeat : fit.repeat_errors) {
    json["repeats_by_time"].push_back(
        {{"mean", number_json(repeat.mean)}, {"gain", number_json(repeat.gain)}});
  }
  return json;
}

Json measured_json(const engine::MeasuredReport& measured) {
  Json fitted = Json::array();
  for (const engine::FittedParameter& parameter : measured.fit.parameters) {
    fitted.push_back(
        {{"name", parameter.name}, {"given", parameter.given}, {"fitted", parameter.fitted}});
  }
  return {{"file", measured.file},
          {"confidence", measured.confidence},
          {"simulated_draws", measured.draws},
          {"hardware", fit_json(measured.hardware)},
          {"simulation", fit_json(measured.simulation)},
          {"rule",
           {{"file", measured.rule_file},
            {"parameters", fitted},
            {"score_given", number_json(measured.fit.score_given)},
            {"score_fitted", number_json(measured.fit.score_fitted)},
            {"improvement", estimate_json(measured.fit.improvement)},
            {"simulations", measured.fit.simulations}}}};
}

std::string number_text(double value) { return fmt::format("{:.6g}", value); }

std::string estimate_text(const Estimate& estimate) {
  if (std::isnan(estimate.value)) return "–";
  if (std::isnan(estimate.low)) return number_text(estimate.value);
  return fmt::format("{:.6g}  [{:.6g}, {:.6g}]", estimate.value, estimate.low, estimate.high);
}

std::string row(const std::string& name, const std::string& hardware,
                const std::string& simulation) {
  std::string line = "  " + padded(name, 20) + "  " + padded(hardware, 40) + "  " + simulation;
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string signal_rows(const DeviceFit& hardware, const DeviceFit& simulation) {
  const auto bin_text = [](const DeviceFit& fit, std::size_t i) {
    if (i >= fit.signal.size()) return std::string();
    return fmt::format("{:.4g} ± {:.4g}", fit.signal[i].mean, fit.signal[i].spread);
  };
  std::string text = "residuals against signal: mean ± standard deviation\n";
  for (std::size_t i = 0; i < hardware.signal.size(); ++i) {
    const engine::SignalBin& bin = hardware.signal[i];
    text += row(fmt::format("{:.4g} … {:.4g}", bin.low, bin.high), bin_text(hardware, i),
                bin_text(simulation, i));
  }
  return text;
}

const engine::ChannelError* same_channel(const DeviceFit& fit, std::int64_t channel) {
  for (const engine::ChannelError& other : fit.channel_errors) {
    if (other.channel == channel) return &other;
  }
  return nullptr;
}

std::string channel_text(const engine::ChannelError* channel) {
  if (channel == nullptr) return "–";
  return fmt::format("{}, gain {:.5g}", estimate_text(channel->mean), channel->gain);
}

std::string channel_rows(const DeviceFit& hardware, const DeviceFit& simulation) {
  std::vector<engine::ChannelError> worst = hardware.channel_errors;
  const auto is_certain = [](const engine::ChannelError& channel) {
    return channel.mean.low > 0 || channel.mean.high < 0;
  };
  const auto certain = std::count_if(worst.begin(), worst.end(), is_certain);
  std::stable_sort(worst.begin(), worst.end(), [](const auto& a, const auto& b) {
    return std::abs(a.mean.value) > std::abs(b.mean.value);
  });
  std::string text = fmt::format(
      "channels (last dimension): {} of {} have a mean error that is not 0; the largest\n", certain,
      worst.size());
  if (worst.size() > kShownChannels) worst.resize(kShownChannels);
  for (const engine::ChannelError& channel : worst) {
    text += row(fmt::format("channel {}", channel.channel), channel_text(&channel),
                channel_text(same_channel(simulation, channel.channel)));
  }
  return text;
}

std::string repeat_rows(const DeviceFit& hardware) {
  if (hardware.repeat_errors.size() < 2) return "";
  std::string text = "repeats in their order: mean residual, gain\n";
  for (std::size_t i = 0; i < hardware.repeat_errors.size() && i < kShownRepeats; ++i) {
    text += row(fmt::format("repeat {}", i),
                fmt::format("{:.4g}, {:.6g}", hardware.repeat_errors[i].mean,
                            hardware.repeat_errors[i].gain),
                "");
  }
  if (hardware.repeat_errors.size() > kShownRepeats) {
    text += fmt::format("  … {} more\n", hardware.repeat_errors.size() - kShownRepeats);
  }
  return text;
}

std::string measured_text(const engine::MeasuredReport& measured) {
  const DeviceFit& hardware = measured.hardware;
  const DeviceFit& simulation = measured.simulation;
  std::string text = fmt::format(
      "\nmeasured by {}: {} repeats of {} outputs, beside {} draws of the simulation\n"
      "gain, offset and noise against the exact product; each column's three intervals hold "
      "together "
      "with probability {:g}\n",
      measured.file, hardware.repeats, hardware.elements, measured.draws, measured.confidence);
  text += row("", "measurement", "simulation");
  text += row("gain", estimate_text(hardware.gain), estimate_text(simulation.gain));
  text += row("offset", estimate_text(hardware.offset), estimate_text(simulation.offset));
  text += row(hardware.repeats > 1 ? "noise" : "noise, fixed error", estimate_text(hardware.noise),
              estimate_text(simulation.noise));
  text +=
      row("fixed error", hardware.repeats > 1 ? number_text(hardware.fixed_error) : "needs repeats",
          number_text(simulation.fixed_error));
  text += row("SQNR, dB", fmt::format("{:.2f}", hardware.sqnr_db),
              fmt::format("{:.2f}", simulation.sqnr_db));
  text += row("drift per repeat",
              hardware.repeats > 2 ? estimate_text(hardware.drift) : "needs three repeats",
              estimate_text(simulation.drift));
  if (hardware.non_finite > 0) {
    text += row("left out, not finite", std::to_string(hardware.non_finite),
                std::to_string(simulation.non_finite));
  }
  text += signal_rows(hardware, simulation) + channel_rows(hardware, simulation) +
          repeat_rows(hardware);

  const engine::RuleFit& fit = measured.fit;
  text += fmt::format(
      "rule that fits best, of {} simulations: mean ranked score {:.6g}, as given {:.6g}, "
      "improvement {}\n",
      fit.simulations, fit.score_fitted, fit.score_given, estimate_text(fit.improvement));
  for (const engine::FittedParameter& parameter : fit.parameters) {
    text += row(parameter.name, parameter.fitted, "given " + parameter.given);
  }
  text += fmt::format("  written to {}\n", measured.rule_file);
  return text;
}

std::string shape_text(const engine::ProbeTensor& tensor) {
  return fmt::format("{} {} [{}]", tensor.name, tensor.dtype, fmt::join(tensor.shape, ", "));
}

}  // namespace

Json json_of(const engine::ProbeReport& report) {
  Json json = {{"paradigm", report.paradigm}, {"operation", report.operation},
               {"layer", report.layer},       {"device", report.device},
               {"seed", report.seed},         {"step", report.first_step},
               {"draws", report.draws}};
  json["params"] = Json::object();
  for (const engine::PlacedValue& value : report.values.entries()) {
    json["params"][value.name] = value_json(value.value);
  }
  json["inputs"] = Json::array();
  for (const engine::ProbeTensor& tensor : report.inputs)
    json["inputs"].push_back(tensor_json(tensor));
  json["output"] = tensor_json(report.output);
  json["ranges"] = Json::object();
  for (const engine::ProbeRange& range : report.ranges) {
    json["ranges"][range.site] = {{"low", number_json(range.low)},
                                  {"high", number_json(range.high)},
                                  {"given", range.is_given}};
  }
  json["error"] = error_json(report.error);
  json["statistics"] = Json::object();
  for (const auto& [name, value] : report.statistics) json["statistics"][name] = number_json(value);
  if (report.measured) json["measured"] = measured_json(*report.measured);
  json["problems"] = Json::array();
  return json;
}

std::string text_of(const engine::ProbeReport& report) {
  std::string text = fmt::format(
      "{} {}, layer {}, on {}: {} from step {}\n", report.paradigm, report.operation, report.layer,
      report.device,
      report.draws == 1 ? std::string("one draw") : fmt::format("{} draws", report.draws),
      report.first_step);
  for (const engine::ProbeTensor& tensor : report.inputs) {
    text += "  " + shape_text(tensor) + "\n";
  }
  text += "  " + shape_text(report.output) + " computed\n";
  for (const engine::ProbeRange& range : report.ranges) {
    text += fmt::format("range {:<14} [{:.6g}, {:.6g}]{}\n", range.site, range.low, range.high,
                        range.is_given ? "" : "  from the data");
  }
  const engine::OutputError& error = report.error;
  text += fmt::format(
      "error against the exact product: mean {:.4g}, standard deviation {:.4g}, largest {:.4g}, "
      "SQNR {:.2f} dB\n",
      error.mean, error.standard_deviation, error.largest, error.sqnr_db);
  text += fmt::format("outputs {}, changed {}, not finite {}\n", error.count, error.changed,
                      error.non_finite);
  for (const auto& [name, value] : report.statistics) {
    text += fmt::format("{:<20} {:.6g}\n", name, value);
  }
  if (report.measured) text += measured_text(*report.measured);
  return text;
}

Json json_of(const engine::SelfCheckReport& report) {
  Json json = {{"pass", report.pass()},
               {"samples", report.samples},
               {"seed", report.seed},
               {"device", report.device},
               {"bounds_in_standard_errors", report.bounds},
               {"confidence", engine::confidence(report.bounds)}};
  json["checks"] = Json::array();
  for (const auto& part : report.parts) {
    for (const engine::NoiseCheck& check : part.checks) {
      json["checks"].push_back({{"paradigm", part.paradigm},
                                {"name", check.name},
                                {"value", number_json(check.value)},
                                {"expected", number_json(check.expected)},
                                {"lower", number_json(check.lower)},
                                {"upper", number_json(check.upper)},
                                {"samples", check.samples},
                                {"pass", check.pass}});
    }
  }
  json["problems"] = Json::array();
  return json;
}

std::string text_of(const engine::SelfCheckReport& report) {
  std::string text = fmt::format(
      "seed {}, at least {} samples a row, on {}; a correct generator stays within each row's "
      "bounds\n({:g} standard errors) with probability {:.5f}\n",
      report.seed, report.samples, report.device, report.bounds, engine::confidence(report.bounds));
  std::size_t width = 0;
  std::size_t rows = 0;
  std::size_t failed = 0;
  for (const auto& part : report.parts) {
    for (const engine::NoiseCheck& check : part.checks) width = std::max(width, check.name.size());
  }
  for (const auto& part : report.parts) {
    text += fmt::format("\n{}\n  {}  {:>13}  {:>13}  {:>29}  {:>11}\n", part.paradigm,
                        padded("check", width), "value", "expected", "bounds", "samples");
    for (const engine::NoiseCheck& check : part.checks) {
      ++rows;
      if (!check.pass) ++failed;
      text += fmt::format("  {}  {:>13.6g}  {:>13.6g}  {:>29}  {:>11}  {}\n",
                          padded(check.name, width), check.value, check.expected,
                          fmt::format("[{:.6g}, {:.6g}]", check.lower, check.upper), check.samples,
                          check.pass ? "pass" : "FAIL");
    }
  }
  text += failed == 0 ? fmt::format("\nall {} rows pass\n", rows)
                      : fmt::format("\n{} of {} rows fail\n", failed, rows);
  return text;
}

}  // namespace paradigm
