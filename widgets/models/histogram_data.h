// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"
#include "widgets/models/run_store.h"

#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace widgets {

/// What the length of a bar means.
enum class HistogramWeight { layers, parameters, flops };

/// Of what the layers of a bar measured last.
struct MeasuredSpread {
  double least = 0;
  double median = 0;
  double largest = 0;
};

struct HistogramBar {
  QString label;   ///< pattern, "default" or "untransformed"
  QString detail;  ///< paradigm, or why not
  int attentions = 0;
  int linears = 0;
  LayerCosts::Cost attention_cost;
  LayerCosts::Cost linear_cost;
  QStringList layers;
  bool untransformed = false;
  int rule = -1;                           ///< of the open file; -1 = none
  std::optional<int> planned;              ///< drawn as an outline when it differs
  std::optional<double> parameter_share;   ///< of all target layers' parameters
  std::optional<double> flop_share;        ///< of all target layers' FLOPs
  std::optional<MeasuredSpread> measured;  ///< of the statistic shown; none without finite values

  int count() const { return attentions + linears; }
  double attention_size(HistogramWeight weight) const;
  double linear_size(HistogramWeight weight) const;
  double size(HistogramWeight weight) const { return attention_size(weight) + linear_size(weight); }
};

/// A bar of another configuration, drawn as an outline behind the one with the same label.
struct HistogramGhost {
  QString label;
  bool untransformed = false;
  int count = 0;
  LayerCosts::Cost cost;

  double size(HistogramWeight weight) const;
};

/// Bars in rule order, `default` after them, untransformed last.
struct HistogramData {
  std::vector<HistogramBar> bars;
  std::vector<HistogramGhost> ghosts;  ///< of what is compared with; empty = nothing
  QString ghost_caption;               ///< "as saved"
  QString caption;                     ///< "planned", "applied: run-a"
  QString note;                        ///< progress, or what is wrong
  bool note_is_error = false;
  QString statistic;  ///< that is shown in place of sizes; empty = sizes

  int total() const;
  const HistogramGhost* ghost_of(const HistogramBar& bar) const;
};

HistogramData planned_histogram(const PlanView& view);
/// One bar for each different effect on layers, whatever rule has it: the paradigm with the values
/// that take effect.
HistogramData effect_histogram(const PlanView& view,
                               const std::vector<engine::ParadigmInfo>& infos);
/// Puts the bars of `other` behind those of `data`; those that are only there come back as empty
/// bars, `gone` their detail. Nothing when both are alike.
void add_ghosts(HistogramData& data, const HistogramData& other, const QString& caption,
                const QString& gone);
/// What a run's engine really replaced, against what its own transform plans on its own model; with
/// a statistic, what each rule's layers measured of it last.
HistogramData applied_histogram(const RunRecord& run, const QString& statistic = {});

}  // namespace widgets
