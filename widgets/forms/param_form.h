// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"

#include <QWidget>

#include <memory>
#include <optional>
#include <string>
#include <vector>

class QLineEdit;
class QScrollArea;

namespace widgets {

/// A form built from a ParamSchema alone: grouped, searchable, under the parameters' own names;
/// what differs from its default is bold and can be reset; a problem stands under its field with
/// the remedy. Knows no paradigm and no command.
class ParamForm : public QWidget {
  Q_OBJECT

 public:
  explicit ParamForm(engine::ParamSchema schema, QWidget* parent = nullptr);
  ~ParamForm() override;

  const engine::ParamSchema& schema() const { return schema_; }

  /// What differs from the defaults, each placed at "--name". Text that cannot be read is left out;
  /// see textProblems().
  engine::ParamValues values() const;
  /// Fields whose text cannot be read.
  std::vector<engine::Problem> textProblems() const;
  /// Everything wrong with this form by its schema: unreadable text, then problems_in(schema).
  std::vector<engine::Problem> schemaProblems() const;

  void setValues(const engine::ParamValues& values);  ///< the others go to their defaults
  void setValue(const std::string& name, const engine::ParamValue& value);
  /// Shows a value that lives elsewhere; no value = several. A field that shows it already, and one
  /// whose value has not changed since it was last shown, is left alone: what is being typed stays.
  void showValue(const std::string& name, const std::optional<engine::ParamValue>& value);
  /// Another thing is shown from now on: the next showValue() replaces what was being typed.
  void forgetShown();
  /// A remark under a field, in the colour of secondary text; empty = none. May hold links: see
  /// noteLinkActivated().
  void setNote(const std::string& name, const QString& note);
  /// Shows each problem under the field it names ("--name"); returns those that name no field here.
  std::vector<engine::Problem> showProblems(const std::vector<engine::Problem>& problems);
  /// Groups that start folded.
  void foldGroups(const QStringList& groups);
  /// Scrolls to a field and gives it the focus.
  void reveal(const std::string& name);

  QWidget* editor(const std::string& name) const;
  QString problemText(const std::string& name) const;  ///< what stands under the field
  QString noteText(const std::string& name) const;
  bool isMarkedChanged(const std::string& name) const;

 Q_SIGNALS:
  void changed();
  void edited(const QString& name);  ///< by the user; its text may be unreadable
  void wasReset(const QString& name);
  void noteLinkActivated(const QString& name, const QString& link);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  struct Field;
  struct Group;

  Field* field(const std::string& name) const;
  void fieldEdited(Field& field);
  void checkField(Field& field);
  void refreshMark(Field& field);
  void filter(const QString& text);
  void applyTheme();

  engine::ParamSchema schema_;
  QLineEdit* search_;
  QScrollArea* scroll_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<std::unique_ptr<Field>> fields_;
};

}  // namespace widgets
