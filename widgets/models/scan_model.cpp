// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/scan_model.h"

#include "engine/statistics/paired_difference.h"
#include "widgets/models/layer_names.h"
#include "widgets/style/number_text.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

constexpr double kBestSqnr = 40;  // dB: a quantiser of about seven bits

/// What the loss becomes when the layers are kept digital.
engine::Estimate change_when_kept(const engine::ScanEntry& entry) {
  engine::Estimate change;
  change.value = -entry.one_off.value;
  change.low = -entry.one_off.high;
  change.high = -entry.one_off.low;
  return change;
}

/// "+0.1823 ± 0.0113", for a narrow column: the interval is symmetric.
QString short_difference_text(const engine::Estimate& difference, bool diverges) {
  if (std::isnan(difference.low)) return difference_text(difference, diverges);
  return QStringLiteral("%1 ± %2").arg(signed_loss_text(difference.value),
                                       loss_text((difference.high - difference.low) / 2));
}

}  // namespace

QString difference_text(const engine::Estimate& difference, bool diverges) {
  if (std::isnan(difference.value))
    return diverges ? ScanModel::tr("not finite") : QStringLiteral("–");
  if (std::isnan(difference.low)) return signed_loss_text(difference.value);
  return QStringLiteral("%1 [%2, %3]")
      .arg(signed_loss_text(difference.value), signed_loss_text(difference.low),
           signed_loss_text(difference.high));
}

void ScanModel::clear() { setEntries({}); }

void ScanModel::setEntries(std::vector<engine::ScanEntry> entries) {
  beginResetModel();
  entries_ = std::move(entries);
  endResetModel();
}

void ScanModel::take(const engine::ScanEntry& entry) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& one) {
    return one.name == entry.name && one.is_kind == entry.is_kind;
  });
  if (found != entries_.end()) {
    *found = entry;
    const int row = static_cast<int>(found - entries_.begin());
    Q_EMIT dataChanged(index(row, 0), index(row, kColumns - 1));
    return;
  }
  const int row = static_cast<int>(entries_.size());
  beginInsertRows({}, row, row);
  entries_.push_back(entry);
  endInsertRows();
}

int ScanModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(entries_.size());
}

int ScanModel::columnCount(const QModelIndex&) const { return kColumns; }

QVariant ScanModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const engine::ScanEntry& entry = entries_[static_cast<std::size_t>(index.row())];
  const engine::Estimate kept = change_when_kept(entry);
  const int column = index.column();
  switch (role) {
    case Qt::DisplayRole:
      switch (column) {
        case kName: {
          QString name = QString::fromStdString(entry.name);
          // The number of the block must be seen in a narrow list; the tool tip has it all.
          const QString common = QStringLiteral("model.layers.");
          if (name.startsWith(common)) name.remove(0, common.size());
          return entry.is_kind ? tr("all %1 %2").arg(entry.layers.size()).arg(name) : name;
        }
        case kAlone:
          return short_difference_text(entry.one_on, entry.diverges);
        case kKept:
          return short_difference_text(kept, false);
        case kError:
          return std::isnan(entry.sqnr_db) ? QStringLiteral("–")
                                           : number_text(error_measure({}), entry.sqnr_db);
        case kFlops:
          return percent(entry.flops_share);
        default:
          return {};
      }
    case kSortRole: {
      const double lowest = std::numeric_limits<double>::lowest();
      const double worst = std::numeric_limits<double>::max();
      const auto known = [&](double value) { return std::isnan(value) ? lowest : value; };
      switch (column) {
        case kName:
          return QString::fromStdString(entry.name);
        case kAlone:
          return entry.diverges ? worst : known(entry.one_on.value);
        case kKept:
          return known(entry.one_off.value);
        case kError:
          return known(-entry.sqnr_db);
        case kFlops:
          return entry.flops_share;
        default:
          return {};
      }
    }
    case kLayersRole:
      return from_names(entry.layers);
    case kIsDistinctRole:
      if (column == kAlone) return entry.diverges || engine::is_distinguishable(entry.one_on);
      if (column == kKept) return engine::is_distinguishable(kept);
      return true;
    case Qt::TextAlignmentRole:
      return column == kName ? int(Qt::AlignLeft | Qt::AlignVCenter)
                             : int(Qt::AlignRight | Qt::AlignVCenter);
    case Qt::ToolTipRole:
      if (column == kName) return from_names(entry.layers).join(QLatin1Char('\n'));
      if ((column == kAlone || column == kKept) && !data(index, kIsDistinctRole).toBool())
        return tr("Not distinguishable from 0: text and noise could explain it");
      return {};
    default:
      return {};
  }
}

QVariant ScanModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole && section != kName)
    return int(Qt::AlignRight | Qt::AlignVCenter);
  if (role == Qt::ToolTipRole) {
    switch (section) {
      case kAlone:
        return tr(
            "Loss with this alone simulated and all others plain, less the plain loss; "
            "95 % interval");
      case kKept:
        return tr(
            "What the loss of the whole transform becomes when this is kept digital; "
            "95 % interval");
      case kError:
        return tr("Signal to error of the layer's own output");
      case kFlops:
        return tr("Share of the FLOPs of a forward pass");
      default:
        return {};
    }
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case kName:
      return tr("Layer or kind");
    case kAlone:
      return tr("Alone");
    case kKept:
      return tr("Kept digital");
    case kError:
      return tr("SQNR");
    case kFlops:
      return tr("FLOPs");
    default:
      return {};
  }
}

LayerMeasure error_measure(const std::vector<engine::LayerError>& layers) {
  LayerMeasure measure;
  measure.title = ScanModel::tr("SQNR");
  measure.unit = ScanModel::tr("dB");
  measure.explanation = ScanModel::tr(
      "Signal to error of the layer's own output, on the inputs that it gets in the transformed "
      "model");
  measure.good = kBestSqnr;
  measure.bad = 0;
  for (const auto& layer : layers) measure.values[layer.layer] = {layer.sqnr_db, true};
  return measure;
}

LayerMeasure sensitivity_measure(const std::vector<engine::ScanEntry>& entries) {
  LayerMeasure measure;
  measure.title = ScanModel::tr("Δ loss");
  measure.explanation = ScanModel::tr(
      "Loss with this layer alone simulated, less the plain loss; where that was not measured, "
      "what "
      "keeping it digital wins");
  measure.high_is_bad = true;
  measure.bad = 0;
  for (const auto& entry : entries) {
    if (entry.is_kind) continue;
    const bool has_alone = !std::isnan(entry.one_on.value);
    const engine::Estimate& cost = has_alone ? entry.one_on : entry.one_off;
    if (std::isnan(cost.value) && !entry.diverges) continue;
    const double number = entry.diverges ? std::numeric_limits<double>::quiet_NaN() : cost.value;
    measure.values[entry.name] = {number, entry.diverges || engine::is_distinguishable(cost)};
    if (std::isfinite(number)) measure.bad = std::max(measure.bad, number);
  }
  if (measure.bad <= 0) measure.bad = 1e-3;
  return measure;
}

}  // namespace widgets
