// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"

#include <QAbstractSpinBox>

namespace widgets {

/// A spin box over what engine::parse_value accepts: any integer, and reals in the digits the user
/// wrote ("1e-5" stays "1e-5"). Always in the C locale. Steps by one for integers, by 1-2-5 on a
/// log scale, else by a tenth of the value's magnitude. The mouse wheel changes it only when it has
/// the focus.
class NumberEdit : public QAbstractSpinBox {
  Q_OBJECT

 public:
  explicit NumberEdit(engine::ParamSpec spec, QWidget* parent = nullptr);

  QString numberText() const;
  void setNumberText(const QString& text);
  void setHint(const QString& text);  ///< shown while it is empty

  void stepBy(int steps) override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void numberTextChanged();

 protected:
  StepEnabled stepEnabled() const override;
  QValidator::State validate(QString& input, int& position) const override;
  void wheelEvent(QWheelEvent* event) override;

 private:
  double stepped(double value, int direction) const;

  engine::ParamSpec spec_;
};

}  // namespace widgets
