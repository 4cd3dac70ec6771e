// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_cells.h"

#include "widgets/models/run_list_model.h"
#include "widgets/models/run_notes.h"
#include "widgets/style/number_text.h"
#include "widgets/style/text.h"

#include <QObject>

#include <cmath>

namespace widgets {
namespace {

/// Tokens per second, the mean of the last ten logged.
double speed_of(const engine::ComparableRun& run) {
  const auto curve = run.metrics.find("tokens_per_second");
  if (!curve) return NAN;
  const engine::Statistic recent{engine::Statistic::Kind::mean_of_last, 10};
  const auto value = engine::statistic_of(*curve, recent);
  return value ? value->value : NAN;
}

QVariant known(double value) { return std::isfinite(value) ? QVariant(value) : QVariant(); }

}  // namespace

bool is_text(RunField field) {
  return field == RunField::name || field == RunField::state || field == RunField::tags ||
         field == RunField::note;
}

QString cell_text(const ComparisonView& view, std::size_t run, RunColumn column,
                  const RunNote& note) {
  const engine::ComparableRun& each = *view.runs[run];
  const engine::ComparedRun& row = view.comparison.runs[run];
  switch (column.field) {
    case RunField::name:
      return qt(each.name);
    case RunField::state:
      return state_text(each.observed.state);
    case RunField::step: {
      const QString step = grouped(static_cast<std::int64_t>(each.last_step()));
      return each.max_steps > 0 ? QStringLiteral("%1/%2").arg(step, grouped(each.max_steps)) : step;
    }
    case RunField::setting:
      return qt(view.comparison.columns[column.at].values[run]);
    case RunField::metric: {
      const auto& value = row.cells[column.at].value;
      return value ? qt(engine::shown(value->value)) : QStringLiteral("–");
    }
    case RunField::delta: {
      const auto& delta = row.cells[column.at].delta;
      if (!delta) return QString();
      const QString arrow = *delta > 0   ? QStringLiteral("▲ ")
                            : *delta < 0 ? QStringLiteral("▼ ")
                                         : QString();
      return arrow + qt(engine::shown_delta(*delta));
    }
    case RunField::speed: {
      const double speed = speed_of(each);
      return std::isfinite(speed) ? short_count(speed) : QStringLiteral("–");
    }
    case RunField::duration: {
      const double seconds = each.duration();
      return std::isfinite(seconds) ? duration_text(seconds) : QStringLiteral("–");
    }
    case RunField::checkpoint:
      return each.last_checkpoint ? grouped(each.last_checkpoint->step) : QStringLiteral("–");
    case RunField::tags:
      return note.tags.join(QStringLiteral(", "));
    case RunField::note:
      return note.text;
  }
  return {};
}

QVariant cell_value(const ComparisonView& view, std::size_t run, RunColumn column,
                    const RunNote& note) {
  const engine::ComparableRun& each = *view.runs[run];
  const engine::ComparedRun& row = view.comparison.runs[run];
  switch (column.field) {
    case RunField::step:
      return each.last_step();
    case RunField::metric: {
      const auto& value = row.cells[column.at].value;
      return value && !std::isnan(value->value) ? QVariant(value->value) : QVariant();
    }
    case RunField::delta: {
      const auto& delta = row.cells[column.at].delta;
      return delta && !std::isnan(*delta) ? QVariant(*delta) : QVariant();
    }
    case RunField::speed:
      return known(speed_of(each));
    case RunField::duration:
      return known(each.duration());
    case RunField::checkpoint:
      return each.last_checkpoint ? QVariant(double(each.last_checkpoint->step)) : QVariant();
    default:
      break;
  }
  const QString words = cell_text(view, run, column, note);
  bool is_number = false;
  const double number = words.toDouble(&is_number);
  return is_number ? QVariant(number) : QVariant(words);
}

QString column_title(const ComparisonView& view, RunColumn column) {
  switch (column.field) {
    case RunField::name:
      return QObject::tr("Run");
    case RunField::state:
      return QObject::tr("State");
    case RunField::step:
      return QObject::tr("Step");
    case RunField::setting:
      return qt(view.comparison.columns[column.at].name);
    case RunField::metric:
      return qt(view.comparison.options.metrics[column.at]);
    case RunField::delta:
      return QStringLiteral("Δ ") + qt(view.comparison.options.metrics[column.at]);
    case RunField::speed:
      return QObject::tr("Tokens/s");
    case RunField::duration:
      return QObject::tr("Duration");
    case RunField::checkpoint:
      return QObject::tr("Checkpoint");
    case RunField::tags:
      return QObject::tr("Tags");
    case RunField::note:
      return QObject::tr("Note");
  }
  return {};
}

QString column_tip(const ComparisonView& view, RunColumn column) {
  const engine::ComparisonOptions& options = view.comparison.options;
  switch (column.field) {
    case RunField::metric:
      return QObject::tr("%1: %2").arg(column_title(view, column),
                                       qt(engine::to_string(options.statistic)));
    case RunField::delta:
      return QObject::tr("Difference to the baseline's %1").arg(qt(options.metrics[column.at]));
    case RunField::speed:
      return QObject::tr("Tokens per second, mean of the last ten logged");
    case RunField::duration:
      return QObject::tr("Time of work; what lies between the parts of a resumed run is left out");
    case RunField::checkpoint:
      return QObject::tr("Step of the newest checkpoint");
    case RunField::tags:
      return QObject::tr("Your tags, kept by the workbench");
    case RunField::note:
      return QObject::tr("Your note, kept by the workbench");
    default:
      return column_title(view, column);
  }
}

}  // namespace widgets
