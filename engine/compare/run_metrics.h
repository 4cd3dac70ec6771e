// SPDX-License-Identifier: GPL-3.0-or-later
// What a run logged, as curves: every value by step, and where that step stands on the other axes.
#pragma once

#include "engine/runs/run_reader.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

enum class XAxis { step, tokens, time, flops };

const char* to_string(XAxis axis);                        ///< "step", "tokens", "time", "flops"
std::optional<XAxis> x_axis_from(std::string_view name);  ///< nothing for another word

/// Columns of one length, in order of step. Valid until the metrics change.
struct CurveView {
  std::span<const double> step;
  std::span<const double> tokens;  ///< input tokens consumed; NaN where unknown
  std::span<const double>
      seconds;                    ///< of work: time between the parts of a resumed run is left out
  std::span<const double> value;  ///< may hold NaN and infinities

  std::size_t size() const { return step.size(); }
};

/// A stretch that one process trained.
struct RunPart {
  std::int64_t step = 0;       ///< steps done before it: 0, or those of the checkpoint
  std::string resumed_from{};  ///< empty: new
};

/// Values of one kind of event share their steps. Superseded events leave no trace but their part.
class RunMetrics {
 public:
  void apply(const RunUpdate& update);
  /// A curve from elsewhere: steps ascending; tokens and seconds may be empty = unknown.
  void add(const std::string& name, std::vector<double> step, std::vector<double> value,
           std::vector<double> tokens = {}, std::vector<double> seconds = {});

  /// A metric that is `factor` times another of that name, now and with what is logged of it later.
  /// Nothing happens where there is no such other, or the new one is there already.
  void add_scaled(const std::string& name, std::string_view of, double factor);

  /// In the order of first appearance; only metrics with at least one value.
  std::vector<std::string> names() const;
  std::optional<CurveView> find(std::string_view name) const;
  const std::vector<RunPart>& parts() const { return parts_; }
  bool empty() const;

 private:
  struct Column {
    std::string name;
    std::vector<double> value;
    std::size_t of = 0;  ///< of a scaled one: the column and what it is multiplied by
    double factor = 0;
  };
  struct Table {
    std::vector<double> step, tokens, seconds;
    std::vector<Column> columns;
    const Column* find(std::string_view name) const;
    void clear();
    void drop_beyond(double last_step);
    void append(double at_step, double at_tokens, double at_seconds,
                std::span<const double> values);
  };

  void begin_part(const RunEvent& event, const RunStarted& started);
  double seconds_at(double time) const { return seconds_before_part_ + time - part_began_; }

  Table steps_ =
      table_of({"loss", "grad_norm", "learning_rate", "tokens_per_second", "memory_bytes"});
  Table evaluations_ = table_of({"eval_loss", "perplexity", "eval_accuracy"});
  std::vector<Table> others_;
  std::vector<RunPart> parts_;
  double part_began_ = 0;
  double seconds_before_part_ = 0;
  double tokens_before_part_ = 0;
  std::int64_t tokens_per_step_ = 0;

  static Table table_of(std::initializer_list<const char*> names);
};

}  // namespace engine
