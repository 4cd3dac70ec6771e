// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_layers.h"

#include "widgets/panels/tool_row.h"
#include "widgets/plots/layer_difference_plot.h"
#include "widgets/plots/layer_heat_plot.h"
#include "widgets/style/text.h"

#include <QComboBox>
#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace widgets {
namespace {

/// What the layers of a run measured, in the order first met.
QStringList statistics_of(const engine::ComparableRun& run) {
  QStringList names;
  std::set<std::string> known;
  for (const auto& stat : run.layer_stats->values) {
    if (known.insert(stat.statistic).second) names << qt(stat.statistic);
  }
  return names;
}

QStringList shared(const QStringList& one, const QStringList& other) {
  QStringList both;
  std::copy_if(other.begin(), other.end(), std::back_inserter(both),
               [&one](const QString& name) { return one.contains(name); });
  return both;
}

/// The layers that measured `statistic` in both.
std::vector<LayerPair> pairs_of(const engine::ComparableRun& base,
                                const engine::ComparableRun& other, const std::string& statistic) {
  std::map<std::string, double> values;
  for (const auto& stat : base.layer_stats->values) {
    if (stat.statistic == statistic) values[stat.layer] = stat.value;
  }
  std::vector<LayerPair> pairs;
  for (const auto& stat : other.layer_stats->values) {
    const auto found = values.find(stat.layer);
    if (stat.statistic == statistic && found != values.end())
      pairs.push_back({qt(stat.layer), found->second, stat.value});
  }
  return pairs;
}

/// Of those to choose from, the one that most layers measured: a picture of the whole model.
int most_measured(const QComboBox& choice, const engine::ComparableRun& run) {
  int best = 0;
  std::ptrdiff_t most = 0;
  for (int i = 0; i < choice.count(); ++i) {
    const std::string name = choice.itemText(i).toStdString();
    const auto& values = run.layer_stats->values;
    const auto count = std::count_if(values.begin(), values.end(),
                                     [&](const auto& stat) { return stat.statistic == name; });
    if (count <= most) continue;
    most = count;
    best = i;
  }
  return best;
}

}  // namespace

CompareLayers::CompareLayers(QWidget* parent)
    : QWidget(parent),
      run_(make_choice(QStringLiteral("compare.layer_run"), tr("Run"),
                       tr("The run whose layers are looked at"))),
      base_(make_choice(QStringLiteral("compare.layer_base"), tr("Run to compare with"),
                        tr("The run that they are compared with"))),
      statistic_(make_choice(QStringLiteral("compare.layer_statistic"), tr("Layer statistic"),
                             tr("What the layers measured"))),
      note_(new QLabel),
      plots_(new QSplitter(Qt::Horizontal)),
      dumbbells_(new LayerDifferencePlot),
      heat_(new LayerHeatPlot) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  note_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  auto* row = make_tool_row(this);
  row->addWidget(run_);
  row->addWidget(new QLabel(tr("against")));
  row->addWidget(base_);
  row->addWidget(statistic_);
  row->addWidget(note_, 1);
  column->addLayout(row);
  for (QComboBox* box : {run_, base_, statistic_})
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  plots_->setChildrenCollapsible(false);
  plots_->addWidget(dumbbells_);
  plots_->addWidget(heat_);
  plots_->setSizes({3000, 2000});
  column->addWidget(plots_, 1);
  column->addStretch(0);
  for (QComboBox* box : {run_, base_, statistic_})
    connect(box, &QComboBox::activated, this, &CompareLayers::showLayers);
  const auto choose = [this](const QString& layer) { Q_EMIT layersChosen({layer}); };
  connect(dumbbells_, &LayerDifferencePlot::layerClicked, this, choose);
  connect(heat_, &LayerHeatPlot::layerClicked, this, choose);
}

void CompareLayers::setView(ComparisonViewPtr view) {
  view_ = std::move(view);
  fillChoices();
  showLayers();
}

/// The ticked runs that measured their layers. At first two of different groups that measured the
/// same, the baseline among them if it can be.
void CompareLayers::fillChoices() {
  const QString run = run_->currentText();
  const QString base = base_->currentText();
  run_->clear();
  base_->clear();
  if (view_ == nullptr) return;
  std::vector<std::size_t> measured;
  std::vector<QStringList> statistics;  // of those
  for (std::size_t i = 0; i < view_->runs.size(); ++i) {
    if (!view_->runs[i]->layer_stats) continue;
    measured.push_back(i);
    statistics.push_back(statistics_of(*view_->runs[i]));
    for (QComboBox* box : {run_, base_}) box->addItem(qt(view_->runs[i]->name), int(i));
  }
  int best = -1;
  std::pair<int, int> chosen{0, 1};
  for (std::size_t a = 0; a < measured.size(); ++a) {
    for (std::size_t b = 0; b < measured.size(); ++b) {
      const auto& runs = view_->comparison.runs;
      if (a == b || shared(statistics[a], statistics[b]).isEmpty()) continue;
      const int rank = (measured[a] == view_->comparison.options.baseline ? 2 : 0) +
                       (runs[measured[a]].group != runs[measured[b]].group ? 1 : 0);
      if (rank <= best) continue;
      best = rank;
      chosen = {int(a), int(b)};
    }
  }
  const int known_base = base_->findText(base);
  const int known_run = run_->findText(run);
  const bool is_known = known_base >= 0 && known_run >= 0;
  base_->setCurrentIndex(is_known ? known_base : std::min(chosen.first, base_->count() - 1));
  run_->setCurrentIndex(is_known ? known_run : std::min(chosen.second, run_->count() - 1));
}

void CompareLayers::showLayers() {
  const QString chosen = statistic_->currentText();
  statistic_->clear();
  const bool has_two = view_ != nullptr && run_->count() > 1;
  for (QWidget* part : std::initializer_list<QWidget*>{run_, base_, statistic_, plots_})
    part->setEnabled(has_two);
  plots_->setVisible(has_two);
  if (!has_two) {
    note_->setText(
        tr("Simulated layers measure themselves, plain ones do not: tick two runs with a "
           "transform."));
    return;
  }
  const auto at = static_cast<std::size_t>(run_->currentData().toInt());
  const engine::ComparableRun& other = *view_->runs[at];
  const engine::ComparableRun& base =
      *view_->runs[static_cast<std::size_t>(base_->currentData().toInt())];
  statistic_->addItems(shared(statistics_of(base), statistics_of(other)));
  const int known = statistic_->findText(chosen);
  statistic_->setCurrentIndex(known >= 0 ? known : most_measured(*statistic_, base));
  std::vector<LayerPair> pairs = pairs_of(base, other, statistic_->currentText().toStdString());
  note_->setText(pairs.empty() ? tr("Their layers measured nothing in common.")
                               : tr("at step %1 against step %2")
                                     .arg(other.layer_stats->step)
                                     .arg(base.layer_stats->step));
  plots_->setVisible(!pairs.empty());
  heat_->setLayers(pairs, statistic_->currentText());
  dumbbells_->setLayers(std::move(pairs), statistic_->currentText(), qt(base.name), qt(other.name),
                        view_->look_of(at));
}

}  // namespace widgets
