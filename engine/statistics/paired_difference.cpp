// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/paired_difference.h"

#include "engine/statistics/quantiles.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace engine {
namespace {

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double squares_about(const std::vector<double>& values, double mean) {
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum;
}

struct MeanSquares {
  double batch = 0;
  double draw = 0;
  double rest = 0;
};

/// A variance with the degrees of freedom that Student's quantile is taken at.
struct Variance {
  double value = 0;
  double freedom = 0;
};

Variance variance_of_mean(const MeanSquares& squares, double batches, double draws) {
  const double between_batches = batches - 1;
  Variance result{squares.batch / (batches * draws), between_batches};
  if (draws < 2 || squares.draw <= squares.rest) return result;
  const double sum = squares.batch + squares.draw - squares.rest;
  const double between_draws = draws - 1;
  const auto part = [](double square, double freedom) { return square * square / freedom; };
  result.value = sum / (batches * draws);
  result.freedom = sum * sum /
                   (part(squares.batch, between_batches) + part(squares.draw, between_draws) +
                    part(squares.rest, between_batches * between_draws));
  // Satterthwaite's formula may fall below what the coarser of its parts has.
  result.freedom = std::max(result.freedom, std::min(between_batches, between_draws));
  return result;
}

}  // namespace

Estimate paired_difference(const std::vector<std::vector<double>>& differences, double confidence) {
  Estimate result;
  if (differences.empty() || differences.front().empty()) return result;
  const std::size_t batches = differences.front().size();
  std::vector<double> of_draw;
  std::vector<double> of_batch(batches, 0);
  for (const auto& draw : differences) {
    of_draw.push_back(mean_of(draw));
    for (std::size_t batch = 0; batch < batches; ++batch) of_batch[batch] += draw[batch];
  }
  const auto draws = static_cast<double>(differences.size());
  for (double& sum : of_batch) sum /= draws;
  const double mean = mean_of(of_batch);
  if (!std::isfinite(mean)) return result;
  result.value = mean;
  if (batches < 2) return result;

  const auto count = static_cast<double>(batches);
  MeanSquares squares;
  squares.batch = draws * squares_about(of_batch, mean) / (count - 1);
  if (draws > 1) {
    squares.draw = count * squares_about(of_draw, mean) / (draws - 1);
    double rest = 0;
    for (std::size_t draw = 0; draw < differences.size(); ++draw) {
      for (std::size_t batch = 0; batch < batches; ++batch) {
        const double residual = differences[draw][batch] - of_draw[draw] - of_batch[batch] + mean;
        rest += residual * residual;
      }
    }
    squares.rest = rest / ((count - 1) * (draws - 1));
  }
  const Variance variance = variance_of_mean(squares, count, draws);
  const double half =
      variance.value > 0
          ? student_quantile(0.5 + confidence / 2, variance.freedom) * std::sqrt(variance.value)
          : 0;
  result.low = mean - half;
  result.high = mean + half;
  return result;
}

bool is_distinguishable(const Estimate& difference) {
  return difference.low > 0 || difference.high < 0;
}

}  // namespace engine
