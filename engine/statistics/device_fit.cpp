// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/device_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace engine {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kSignalBins = 10;

/// Each of `parts` intervals, so that all hold together with probability `confidence`.
double shared(double confidence, std::int64_t parts) {
  return 1 - (1 - confidence) / static_cast<double>(parts);
}

/// The elements of which every reading is finite, and their readings.
class FiniteReadings {
 public:
  explicit FiniteReadings(const Readings& readings)
      : all_(readings), total_(static_cast<std::int64_t>(readings.exact.size())) {
    for (std::int64_t i = 0; i < total_; ++i) {
      bool finite = std::isfinite(all_.exact[i]);
      for (std::int64_t r = 0; r < repeats() && finite; ++r) {
        finite = std::isfinite(all_.values[r * total_ + i]);
      }
      if (finite) kept_.push_back(i);
    }
    means_.resize(kept_.size());
    for (std::int64_t k = 0; k < count(); ++k) {
      for (std::int64_t r = 0; r < repeats(); ++r) means_[k] += value(r, k);
      means_[k] /= static_cast<double>(repeats());
    }
  }

  std::int64_t count() const { return static_cast<std::int64_t>(kept_.size()); }
  std::int64_t left_out() const { return total_ - count(); }
  std::int64_t repeats() const { return all_.repeats; }
  std::int64_t channels() const { return all_.channels; }
  std::int64_t channel(std::int64_t k) const { return kept_[k] % all_.channels; }
  double exact(std::int64_t k) const { return all_.exact[kept_[k]]; }
  double value(std::int64_t repeat, std::int64_t k) const {
    return all_.values[repeat * total_ + kept_[k]];
  }
  double mean(std::int64_t k) const { return means_[k]; }

 private:
  const Readings& all_;
  std::int64_t total_;
  std::vector<std::int64_t> kept_;
  std::vector<double> means_;
};

/// Sums of the powers 1, 2 and 4 of residuals.
struct Moments {
  double count = 0, sum = 0, squares = 0, fourth = 0;

  void add(double x) {
    ++count;
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  double mean() const { return sum / count; }
  double spread() const {
    return std::sqrt(std::max(0.0, (squares - sum * sum / count) / (count - 1)));
  }
  double excess() const {  // of residuals whose mean is 0
    return squares > 0 ? count * fourth / (squares * squares) - 3 : 0;
  }
};

/// The residuals of one fit.
struct Residuals {
  const FiniteReadings& data;
  double gain, offset;

  double line(std::int64_t k) const { return offset + gain * data.exact(k); }
  double of_mean(std::int64_t k) const { return data.mean(k) - line(k); }
  double of(std::int64_t repeat, std::int64_t k) const { return data.value(repeat, k) - line(k); }
};

void add_noise(const Residuals& residuals, const LineFit& line, double confidence, DeviceFit& fit) {
  const FiniteReadings& data = residuals.data;
  const auto n = static_cast<double>(data.count());
  const auto repeats = static_cast<double>(data.repeats());
  Moments moments;
  if (data.repeats() == 1) {
    for (std::int64_t k = 0; k < data.count(); ++k) moments.add(residuals.of_mean(k));
    fit.noise =
        estimated_spread(moments.squares, n - 2, moments.excess(), data.count(), confidence);
    fit.fixed_error = kUnknown;
    return;
  }
  double grand_mean = 0;
  for (std::int64_t k = 0; k < data.count(); ++k) grand_mean += data.mean(k) / n;
  for (std::int64_t r = 0; r < data.repeats(); ++r) {
    double drift = -grand_mean;
    for (std::int64_t k = 0; k < data.count(); ++k) drift += data.value(r, k) / n;
    for (std::int64_t k = 0; k < data.count(); ++k) {
      moments.add(data.value(r, k) - data.mean(k) - drift);
    }
  }
  const double freedom = (n - 1) * (repeats - 1);
  fit.noise = estimated_spread(moments.squares, freedom, moments.excess(),
                               data.count() * data.repeats(), confidence);
  const double averaged = fit.noise.value * fit.noise.value / repeats;
  fit.fixed_error = std::sqrt(std::max(0.0, line.spread * line.spread - averaged));
}

void add_signal_bins(const Residuals& residuals, DeviceFit& fit) {
  const FiniteReadings& data = residuals.data;
  std::vector<std::int64_t> order(data.count());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::int64_t a, std::int64_t b) { return data.exact(a) < data.exact(b); });
  const std::int64_t bins = std::min(kSignalBins, data.count());
  for (std::int64_t bin = 0; bin < bins; ++bin) {
    const std::int64_t begin = bin * data.count() / bins;
    const std::int64_t end = (bin + 1) * data.count() / bins;
    Moments moments;
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t r = 0; r < data.repeats(); ++r) moments.add(residuals.of(r, order[i]));
    }
    fit.signal.push_back({data.exact(order[begin]), data.exact(order[end - 1]), end - begin,
                          moments.mean(), moments.spread()});
  }
}

void add_channels(const Residuals& residuals, double confidence, DeviceFit& fit) {
  const FiniteReadings& data = residuals.data;
  std::vector<std::vector<std::int64_t>> members(data.channels());
  for (std::int64_t k = 0; k < data.count(); ++k) members[data.channel(k)].push_back(k);
  for (std::int64_t channel = 0; channel < data.channels(); ++channel) {
    const std::vector<std::int64_t>& own = members[channel];
    const auto count = static_cast<std::int64_t>(own.size());
    if (count == 0) continue;
    Moments of_elements, of_all;
    for (const std::int64_t k : own) {
      of_elements.add(residuals.of_mean(k));
      for (std::int64_t r = 0; r < data.repeats(); ++r) of_all.add(residuals.of(r, k));
    }
    const LineFit line = fit_line(
        count, [&](std::int64_t i) { return data.exact(own[i]); },
        [&](std::int64_t i) { return data.mean(own[i]); }, confidence);
    fit.channel_errors.push_back({channel,
                                  estimated_mean(of_elements.mean(), of_elements.spread(), count,
                                                 shared(confidence, data.channels())),
                                  of_all.spread(), line.gain.value});
  }
}

void add_repeats(const Residuals& residuals, double confidence, DeviceFit& fit) {
  const FiniteReadings& data = residuals.data;
  for (std::int64_t r = 0; r < data.repeats(); ++r) {
    Moments moments;
    for (std::int64_t k = 0; k < data.count(); ++k) moments.add(residuals.of(r, k));
    const LineFit line = fit_line(
        data.count(), [&](std::int64_t k) { return data.exact(k); },
        [&](std::int64_t k) { return data.value(r, k); }, confidence);
    fit.repeat_errors.push_back({moments.mean(), line.gain.value});
  }
  const LineFit drift = fit_line(
      data.repeats(), [](std::int64_t r) { return static_cast<double>(r); },
      [&](std::int64_t r) { return fit.repeat_errors[r].mean; }, confidence);
  fit.drift = drift.gain;
}

double signal_to_error(const FiniteReadings& data) {
  double signal = 0, error = 0;
  for (std::int64_t k = 0; k < data.count(); ++k) {
    for (std::int64_t r = 0; r < data.repeats(); ++r) {
      signal += data.exact(k) * data.exact(k);
      error += std::pow(data.value(r, k) - data.exact(k), 2);
    }
  }
  return 10 * std::log10(signal / error);
}

}  // namespace

DeviceFit fit_device(const Readings& readings, double confidence) {
  const FiniteReadings data(readings);
  const double each = shared(confidence, 3);
  const LineFit line = fit_line(
      data.count(), [&](std::int64_t k) { return data.exact(k); },
      [&](std::int64_t k) { return data.mean(k); }, each);
  DeviceFit fit;
  fit.elements = data.count();
  fit.repeats = data.repeats();
  fit.non_finite = data.left_out();
  fit.gain = line.gain;
  fit.offset = line.offset;
  fit.sqnr_db = signal_to_error(data);
  if (!std::isfinite(line.gain.value)) return fit;
  const Residuals residuals{data, line.gain.value, line.offset.value};
  add_noise(residuals, line, each, fit);
  add_signal_bins(residuals, fit);
  add_channels(residuals, confidence, fit);
  add_repeats(residuals, confidence, fit);
  return fit;
}

}  // namespace engine
