// SPDX-License-Identifier: GPL-3.0-or-later
// A number for every layer, to be painted beside its rule: where error arises, or what a layer
// costs.
#pragma once

#include <QString>

#include <string>
#include <unordered_map>
#include <vector>

namespace widgets {

struct LayerMeasure {
  struct Value {
    double number = 0;        ///< may be infinite or NaN
    bool is_distinct = true;  ///< false: noise could explain all of it
  };

  QString title;        ///< of the column: "SQNR"
  QString unit;         ///< "dB", or empty
  QString explanation;  ///< one sentence, for tooltips
  bool high_is_bad = false;
  double good = 0;           ///< number at the good end of the scale
  double bad = 1;            ///< number at the bad end
  bool is_outdated = false;  ///< it belongs to another state of the transform
  std::unordered_map<std::string, Value> values;

  bool empty() const { return values.empty(); }
};

/// How bad a number is: 0 at the good end, 1 at the bad one or where it is no number.
double severity(const LayerMeasure& measure, double number);
/// "38.2 dB", "exact", "+0.0123", "NaN".
QString number_text(const LayerMeasure& measure, double number);

/// What a row shows that stands for several layers: the worst of those that are known.
struct ShownMeasure {
  bool is_known = false;
  LayerMeasure::Value value;
  double severity = 0;
  std::string layer;  ///< that the value is of
  int known = 0;      ///< layers that have one
};
ShownMeasure worst_of(const LayerMeasure& measure, const std::vector<std::string>& layers);

}  // namespace widgets
