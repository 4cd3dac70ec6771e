// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

namespace widgets {

class ParamForm;

/// Takes the launch form out of the window and back: copied as a command or a Slurm script, pasted
/// from one, set back to its defaults.
class LaunchTools : public QWidget {
  Q_OBJECT

 public:
  /// `form` outlives this.
  explicit LaunchTools(const ParamForm* form, QWidget* parent = nullptr);

  /// `paradigm train` with the form's settings, quoted for a POSIX shell.
  QString commandLine(bool with_defaults) const;

 Q_SIGNALS:
  void copied(const QString& what);
  void pasted(const QString& text);
  void resetRequested();

 private:
  void copy(const QString& text, const QString& what);
  void copyCommand(bool with_defaults);

  const ParamForm* form_;
};

}  // namespace widgets
