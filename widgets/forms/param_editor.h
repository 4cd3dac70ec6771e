// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"

#include <QWidget>

#include <memory>
#include <vector>

class QCheckBox;

namespace widgets {

/// The editor of one parameter, chosen by its kind. Nullable numbers stand behind a "set" box:
/// unset is not 0. An empty text or path is unset.
class ParamEditor : public QWidget {
  Q_OBJECT

 public:
  static ParamEditor* create(const engine::ParamSpec& spec, QWidget* parent = nullptr);

  const engine::ParamSpec& spec() const { return spec_; }

  /// What stands in the editor. Text that cannot be read yields unset and a problem placed at
  /// "--name".
  virtual engine::ParamValue value(std::vector<engine::Problem>& problems) const = 0;
  /// Shows `value`; edited() is not emitted.
  virtual void setValue(const engine::ParamValue& value) = 0;
  /// Shows that several values stand behind this editor; what is entered next is meant for all.
  virtual void setMixed() = 0;

 Q_SIGNALS:
  void edited();

 protected:
  ParamEditor(engine::ParamSpec spec, QWidget* parent);

  engine::Place place() const;
  /// Accessible name, description and tooltip of the part that takes the focus.
  void introduce(QWidget* part, const QString& suffix = {});

 private:
  engine::ParamSpec spec_;
};

/// One sentence or more from the schema: help, range, unit, default.
QString param_tool_tip(const engine::ParamSpec& spec);

}  // namespace widgets
