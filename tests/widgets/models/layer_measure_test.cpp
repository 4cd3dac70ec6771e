// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_measure.h"

#include "tests/widgets/sample_plan.h"
#include "widgets/models/layer_tree_model.h"
#include "widgets/models/scan_model.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using widgets::LayerMeasure;
using widgets::LayerTreeModel;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

LayerMeasure decibels() {
  return widgets::error_measure({{"model.layers.0.mlp.up_proj", 30},
                                 {"model.layers.1.mlp.up_proj", 10},
                                 {"model.layers.2.mlp.up_proj", kInfinity},
                                 {"model.layers.0.mlp.down_proj", std::nan("")}});
}

TEST(LayerMeasure, RunsFromGoodToBad) {
  const LayerMeasure error = decibels();
  EXPECT_EQ(severity(error, 40), 0);
  EXPECT_EQ(severity(error, 20), 0.5);
  EXPECT_EQ(severity(error, -3), 1);
  EXPECT_EQ(severity(error, kInfinity), 0) << "no error at all";
  EXPECT_EQ(severity(error, -kInfinity), 1);
  EXPECT_EQ(severity(error, std::nan("")), 1) << "what is no number is never shown as good";
  LayerMeasure loss;
  loss.high_is_bad = true;
  loss.bad = 0.2;
  EXPECT_EQ(severity(loss, 0.1), 0.5);
  EXPECT_EQ(severity(loss, kInfinity), 1);
  EXPECT_EQ(severity(loss, -0.1), 0);
}

TEST(LayerMeasure, OfSeveralLayersTheWorstIsShown) {
  const auto shown =
      worst_of(decibels(), {"model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj", "lm_head"});
  EXPECT_TRUE(shown.is_known);
  EXPECT_EQ(shown.value.number, 10);
  EXPECT_EQ(shown.layer, "model.layers.1.mlp.up_proj");
  EXPECT_EQ(shown.known, 2);
  EXPECT_TRUE(std::isnan(
      worst_of(decibels(), {"model.layers.0.mlp.down_proj", "model.layers.1.mlp.up_proj"})
          .value.number));
  EXPECT_FALSE(worst_of(decibels(), {"lm_head"}).is_known);
}

TEST(LayerMeasure, StandsInTheTreeWithWhatIsNotKnownApart) {
  LayerTreeModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setView(tests::sample_view());
  const auto cell = [&](const char* layer) {
    return model.indexOf(QLatin1String(layer)).siblingAtColumn(LayerTreeModel::kMeasure);
  };
  EXPECT_EQ(cell("lm_head").data().toString(), "");
  QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
  model.setMeasure(decibels());
  EXPECT_GE(changed.size(), 1);
  EXPECT_EQ(model.headerData(LayerTreeModel::kMeasure, Qt::Horizontal, Qt::DisplayRole).toString(),
            "SQNR");
  // Four blocks are one row: the worst of the three that are known.
  EXPECT_EQ(cell("model.layers.3.mlp.up_proj").data().toString(), "10.0 dB");
  EXPECT_EQ(cell("model.layers.0.mlp.down_proj").data().toString(), "NaN");
  EXPECT_EQ(cell("model.layers.0.mlp.down_proj").data(LayerTreeModel::kSeverityRole).toDouble(), 1);
  EXPECT_EQ(cell("lm_head").data().toString(), "–");
  EXPECT_FALSE(cell("lm_head").data(LayerTreeModel::kSeverityRole).isValid());
  EXPECT_NE(cell("lm_head").data(Qt::ToolTipRole).toString().indexOf("not measured"), -1);
  EXPECT_NE(cell("model.layers.3.mlp.up_proj")
                .data(Qt::ToolTipRole)
                .toString()
                .indexOf("model.layers.1.mlp.up_proj"),
            -1);
  LayerMeasure old = decibels();
  old.is_outdated = true;
  model.setMeasure(old);
  EXPECT_FALSE(cell("model.layers.3.mlp.up_proj").data(LayerTreeModel::kIsDistinctRole).toBool());
  model.setMeasure({});
  EXPECT_EQ(cell("model.layers.3.mlp.up_proj").data().toString(), "");
}

TEST(SensitivityMeasure, TakesLayersAloneWhereTheyWereMeasured) {
  engine::ScanEntry alone;
  alone.name = "lm_head";
  alone.one_on = {0.2, 0.1, 0.3};
  alone.one_off = {0.5, 0.4, 0.6};
  engine::ScanEntry kept;
  kept.name = "model.layers.0.mlp.up_proj";
  kept.one_off = {0.1, -0.1, 0.3};
  engine::ScanEntry kind;
  kind.name = "mlp.up_proj";
  kind.is_kind = true;
  kind.one_on = {9, 8, 10};
  engine::ScanEntry broken;
  broken.name = "model.layers.1.mlp.up_proj";
  broken.diverges = true;
  engine::ScanEntry unknown;
  unknown.name = "model.layers.2.mlp.up_proj";
  const LayerMeasure measure = widgets::sensitivity_measure({alone, kept, kind, broken, unknown});
  EXPECT_EQ(measure.values.size(), 3u);
  EXPECT_EQ(measure.values.at("lm_head").number, 0.2);
  EXPECT_TRUE(measure.values.at("lm_head").is_distinct);
  EXPECT_FALSE(measure.values.at("model.layers.0.mlp.up_proj").is_distinct);
  EXPECT_EQ(severity(measure, measure.values.at("model.layers.1.mlp.up_proj").number), 1);
  EXPECT_EQ(measure.bad, 0.2);
}

TEST(ScanModel, SortsByWhatLayersCost) {
  widgets::ScanModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  engine::ScanEntry entry;
  entry.name = "lm_head";
  entry.layers = {"lm_head"};
  entry.one_on = {0.2, 0.1, 0.3};
  entry.one_off = {0.5, 0.4, 0.6};
  entry.sqnr_db = 12;
  entry.flops_share = 0.25;
  model.take(entry);
  EXPECT_EQ(model.index(0, widgets::ScanModel::kAlone).data().toString(),
            "+0.2000 ± 0.1000");
  EXPECT_EQ(model.index(0, widgets::ScanModel::kKept).data().toString(),
            "−0.5000 ± 0.1000");
  EXPECT_EQ(model.index(0, widgets::ScanModel::kError).data().toString(), "12.0 dB");
  EXPECT_TRUE(model.index(0, widgets::ScanModel::kAlone)
                  .data(widgets::ScanModel::kIsDistinctRole)
                  .toBool());
  entry.one_on = {0.2, -0.1, 0.5};
  model.take(entry);
  EXPECT_EQ(model.rowCount(), 1) << "new numbers of the same entry";
  EXPECT_FALSE(model.index(0, widgets::ScanModel::kAlone)
                   .data(widgets::ScanModel::kIsDistinctRole)
                   .toBool());
}

}  // namespace
