// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/number_edit.h"

#include "widgets/style/metrics.h"

#include <QLineEdit>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace widgets {

NumberEdit::NumberEdit(engine::ParamSpec spec, QWidget* parent)
    : QAbstractSpinBox(parent), spec_(std::move(spec)) {
  setFocusPolicy(Qt::StrongFocus);
  setKeyboardTracking(true);
  connect(lineEdit(), &QLineEdit::textChanged, this, &NumberEdit::numberTextChanged);
}

QString NumberEdit::numberText() const { return lineEdit()->text().trimmed(); }

void NumberEdit::setNumberText(const QString& text) {
  if (text == lineEdit()->text()) return;
  lineEdit()->setText(text);
  if (!hasFocus()) lineEdit()->setCursorPosition(0);  // the leading digits tell more
}

void NumberEdit::setHint(const QString& text) { lineEdit()->setPlaceholderText(text); }

double NumberEdit::stepped(double value, int direction) const {
  if (spec_.kind == engine::ParamKind::integer) return value + direction;
  if (spec_.kind == engine::ParamKind::probability) return value * std::pow(2.0, direction);
  if (spec_.is_log_scale && value > 0) {
    const double decade = std::pow(10.0, std::floor(std::log10(value) + 1e-9));
    const double lead = value / decade;
    if (direction > 0) return decade * (lead < 1.999 ? 2 : lead < 4.999 ? 5 : 10);
    return decade * (lead > 5.001 ? 5 : lead > 2.001 ? 2 : lead > 1.001 ? 1 : 0.5);
  }
  const double size =
      value == 0 ? 0.1 : std::pow(10.0, std::floor(std::log10(std::abs(value)) + 1e-9) - 1);
  return std::round((value + direction * size) / size) * size;
}

void NumberEdit::stepBy(int steps) {
  if (engine::is_schedule_text(numberText().toStdString())) return;
  std::vector<engine::Problem> ignored;
  const auto parsed = engine::parse_value(spec_, numberText().toStdString(), {}, ignored);
  double value = 0;
  if (const auto* whole = std::get_if<std::int64_t>(&parsed)) value = static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&parsed)) value = *real;
  for (int i = 0; i < std::abs(steps); ++i) value = stepped(value, steps > 0 ? 1 : -1);
  value = std::clamp(value, spec_.minimum, spec_.maximum);
  const bool is_whole = spec_.kind == engine::ParamKind::integer;
  setNumberText(is_whole ? QString::number(static_cast<qlonglong>(value))
                         : QString::number(value, 'g', 12));
  selectAll();
}

QSize NumberEdit::sizeHint() const {
  QSize size = QAbstractSpinBox::sizeHint();
  size.setWidth(characters(this, 18));
  return size;
}

QSize NumberEdit::minimumSizeHint() const {
  QSize size = QAbstractSpinBox::minimumSizeHint();
  size.setWidth(characters(this, 9));
  return size;
}

QAbstractSpinBox::StepEnabled NumberEdit::stepEnabled() const {
  const bool is_one_number = !engine::is_schedule_text(numberText().toStdString());
  return isReadOnly() || !is_one_number ? StepNone : StepUpEnabled | StepDownEnabled;
}

QValidator::State NumberEdit::validate(QString&, int&) const { return QValidator::Acceptable; }

void NumberEdit::wheelEvent(QWheelEvent* event) {
  if (hasFocus()) {
    QAbstractSpinBox::wheelEvent(event);
  } else {
    event->ignore();
  }
}

}  // namespace widgets
