// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QStringList>

#include <map>
#include <memory>

class QSettings;

namespace widgets {

/// What the user says about a run.
struct RunNote {
  QStringList tags;
  QString text;
  bool pinned = false;

  friend bool operator==(const RunNote&, const RunNote&) = default;
};

/// Notes about runs, by run_key(), and which runs were chosen as baselines. Kept in the settings of
/// the workbench, never in a run folder: another user's run can be noted too, and a copy of a run
/// has its notes. Without settings they last as long as this. GUI thread.
class RunNotes : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  /// Where they are kept from now on; outlives this. What was said before is forgotten.
  void setStore(QSettings* settings);

  const RunNote& of(const QString& key) const;
  void set(const QString& key, const RunNote& note);

  /// The last chosen first.
  QStringList baselines() const;
  void rememberBaseline(const QString& key);

  /// A choice of the view that comes back with the next start, "" when there is none.
  QString choice(const QString& name) const;
  void setChoice(const QString& name, const QString& value);

 Q_SIGNALS:
  void changed(const QString& key);

 private:
  QSettings* settings_ = nullptr;
  mutable std::map<QString, RunNote> notes_;  ///< those that were asked for
  QStringList baselines_;
  std::map<QString, QString> choices_;
};

/// Whoever shows notes holds them: widgets are hidden and laid out, and ask for notes, while the
/// window that made them is being destroyed.
using RunNotesPtr = std::shared_ptr<RunNotes>;

/// "paper, 60M" as tags: between commas, trimmed, each once.
QStringList tags_from(const QString& text);

}  // namespace widgets
